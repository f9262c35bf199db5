//! Which core each seat gets: the product under test one of its own, everything else the rest.
//!
//! Pinning is done by `taskset`, which replaces itself by the program.

use std::path::Path;

use rustix::thread::{CpuSet, sched_getaffinity};

use super::Seat;

/// The cores of this process, shared out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores {
    /// That of the product; none where there is only one core, or no `taskset`.
    product: Option<usize>,
    /// Those of everybody else.
    rest: Vec<usize>,
}

impl Cores {
    /// Those that this process may use. A machine with one core, or without `taskset`, pins
    /// nothing.
    #[must_use]
    pub fn found() -> Self {
        let taskset =
            ["/usr/bin/taskset", "/bin/taskset"].iter().any(|path| Path::new(path).exists());
        if taskset { Self::share_out(&allowed()) } else { Self::share_out(&[]) }
    }

    fn share_out(cores: &[usize]) -> Self {
        match cores {
            [first, rest @ ..] if !rest.is_empty() => {
                Self { product: Some(*first), rest: rest.to_vec() }
            }
            _ => Self { product: None, rest: Vec::new() },
        }
    }

    /// The core of the product under test, if it has one of its own.
    #[must_use]
    pub const fn product(&self) -> Option<usize> {
        self.product
    }

    /// The cores of everybody else; empty where nothing is pinned.
    #[must_use]
    pub fn rest(&self) -> &[usize] {
        &self.rest
    }

    /// The words before a command that pin it.
    pub(super) fn words(&self, seat: Seat) -> Vec<String> {
        let cores = match (seat, self.product) {
            (_, None) => return Vec::new(),
            (Seat::Gateway, Some(core)) => core.to_string(),
            (Seat::Client | Seat::Replica(_) | Seat::Aux, Some(_)) => {
                self.rest.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
            }
        };
        vec!["taskset".to_owned(), "-c".to_owned(), cores]
    }
}

fn allowed() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else { return Vec::new() };
    (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_has_a_core_of_its_own() {
        let cores = Cores::share_out(&[4, 7, 9]);
        assert_eq!(cores.words(Seat::Gateway), ["taskset", "-c", "4"]);
        assert_eq!(cores.words(Seat::Replica(1)), ["taskset", "-c", "7,9"]);
        assert_eq!(cores.words(Seat::Client), cores.words(Seat::Aux));
    }

    #[test]
    fn a_single_core_is_not_shared_out() {
        for cores in [&[][..], &[3]] {
            assert_eq!(Cores::share_out(cores).words(Seat::Gateway), Vec::<String>::new());
        }
    }
}
