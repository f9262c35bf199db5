//! How each product reads its config anew while it serves.
//!
//! The endpoints stand in another order each time, so that there is something to take over and the
//! task stays the same. Seawall and nginx read the file on SIGHUP; HAProxy, Envoy and Pingora do so
//! by taking over from themselves, which is in `upgrade`.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use super::running::{Running, signal};
use super::{Missing, Product, build, config, processes, wait};

/// How long a config may take to be taken over.
const TAKE: Duration = Duration::from_secs(5);

impl Running<'_> {
    /// Writes the config with its endpoints in another order, and has the product take it over.
    /// Returns once it did.
    ///
    /// # Errors
    /// When it did not, or there is no product.
    pub fn reload(&mut self) -> Result<(), Missing> {
        if self.product == Product::Direct {
            return Err(self.unable("be told of a config: there is nothing"));
        }
        let others = self.wanted.endpoints.len().min(1);
        self.wanted.endpoints.rotate_left(others);
        config::write(self.product, &self.wanted, &self.folder)?;
        match self.product {
            Product::Seawall => self.reload_seawall(),
            Product::Nginx => self.reload_nginx(),
            _ => self.upgrade(),
        }
    }

    fn reload_seawall(&self) -> Result<(), Missing> {
        let before = answers(&self.log()).count();
        let process = self.group.ok_or_else(|| self.unable("be told of a config: it has gone"))?;
        signal(process, Signal::HUP);
        let taken = wait::until(TAKE, || answers(&self.log()).nth(before));
        match taken {
            Some(true) => Ok(()),
            Some(false) => {
                let said = build::tail(self.log().as_bytes());
                Err(Missing::Config { product: self.product, said })
            }
            None => Err(self.unable("take a config over: it says nothing")),
        }
    }

    /// A new worker has come by then; the old ones go when their connections have.
    fn reload_nginx(&self) -> Result<(), Missing> {
        let before = self.pids();
        let master = self.master().filter(|id| processes::lives(*id));
        signal(master.ok_or_else(|| self.unable("be told of a config: it has gone"))?, Signal::HUP);
        let new = || self.pids().iter().any(|id| !before.contains(id)).then_some(());
        let unable = || self.unable("take a config over: no new worker came up");
        wait::until(TAKE, new).ok_or_else(unable)
    }

    fn log(&self) -> String {
        let log = fs::read(self.log_file()).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    const fn unable(&self, what: &'static str) -> Missing {
        Missing::Feature { product: self.product, what }
    }
}

/// What Seawall said of each config that it was told of: whether it took it.
fn answers(log: &str) -> impl Iterator<Item = bool> {
    log.lines().filter_map(|line| {
        let said = line.strip_prefix("seawall: config ")?;
        match said.split([',', ' ']).next()? {
            "reloaded" => Some(true),
            "not" => Some(false),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_seawall_says_of_its_configs_is_understood() {
        let log = "seawall: listening\nseawall: config reloaded, generation 2\n\
                   seawall: config not reloaded, the old one stays in force:\nline 3\n";
        assert_eq!(answers(log).collect::<Vec<_>>(), [true, false]);
        assert_eq!(answers("seawall: config").count(), 0);
    }
}
