//! What the smallest steps on shared memory cost: below one of them for each change nothing gets
//! that many threads share. They differ between machines far more than the rest of a call.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::measure::{Answers, Entry, Row, at_once};

pub(super) fn row() -> Row {
    Row {
        name: "atomic_step",
        about: "one change of a word that all threads share",
        answers: Answers::Admitted,
        entries: vec![swap(), lock()],
        our_clock_reads: 0,
        targets: (None, None),
        bare: None,
        loss: "",
        floor: "",
    }
}

fn swap() -> Entry {
    let call = |word: &AtomicU64, _| {
        let mut seen = word.load(Ordering::Relaxed);
        while let Err(now) =
            word.compare_exchange_weak(seen, seen + 1, Ordering::AcqRel, Ordering::Relaxed)
        {
            seen = now;
        }
        true
    };
    Entry::new("compare and swap", at_once(AtomicU64::default, call)).reference()
}

fn lock() -> Entry {
    let call = |word: &Mutex<u64>, _| {
        *word.lock().expect("nothing panics under it") += 1;
        true
    };
    Entry::new("std::sync::Mutex", at_once(Mutex::default, call)).reference()
}
