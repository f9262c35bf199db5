//! How each product replaces itself while its clients notice nothing.
//!
//! nginx: the master starts a new one and is then told to finish. HAProxy: the master starts a new
//! worker, which takes the listeners. Envoy and Pingora: a second process asks the first for its
//! sockets. Seawall reads its config anew on SIGHUP, which is no new program.

use std::time::Duration;

use rustix::process::Signal;

use super::launch::Start;
use super::running::{Running, signal};
use super::{Missing, Product, processes, wait};

/// How long the new one may take to come up.
const COME: Duration = Duration::from_secs(10);
/// How long the old one may take to go: its drain, and a second for each step.
const GO: Duration = Duration::from_secs(15);

impl Running<'_> {
    /// The product's own way of a restart without loss. Returns once the old processes have gone
    /// or 15 s have passed; requests may be served by both meanwhile.
    ///
    /// # Errors
    /// When the product has no such way, or its new process does not come up.
    pub fn upgrade(&mut self) -> Result<(), Missing> {
        let product = self.product;
        match product {
            Product::Direct => {
                Err(Missing::Feature { product, what: "be upgraded: there is nothing" })
            }
            Product::Seawall => Err(Missing::Feature {
                product,
                what: "hand its listeners to a new process; SIGHUP reads the config alone",
            }),
            Product::Nginx => self.upgrade_nginx(),
            Product::Haproxy => self.upgrade_haproxy(),
            Product::Envoy => self.upgrade_envoy(),
            Product::Pingora => self.upgrade_pingora(),
        }
    }

    fn upgrade_nginx(&mut self) -> Result<(), Missing> {
        let old = self.master().ok_or_else(|| self.no_new())?;
        signal(old, Signal::USR2);
        let new = || self.master().filter(|id| *id != old && processes::lives(*id));
        wait::until(COME, new).ok_or_else(|| self.no_new())?;
        signal(old, Signal::QUIT);
        self.await_end(&[old]);
        Ok(())
    }

    fn upgrade_haproxy(&mut self) -> Result<(), Missing> {
        let before = self.pids();
        let master = self.group.ok_or_else(|| self.no_new())?;
        // The worker answers before its master listens to signals, and what comes earlier is lost.
        let listens = || processes::catches(master, Signal::USR2).then_some(());
        wait::until(COME, listens).ok_or_else(|| self.no_new())?;
        signal(master, Signal::USR2);
        let new = || self.pids().iter().any(|id| !before.contains(id)).then_some(());
        wait::until(COME, new).ok_or_else(|| self.no_new())?;
        let workers: Vec<u32> = before.into_iter().filter(|id| *id != master).collect();
        self.await_end(&workers);
        Ok(())
    }

    fn upgrade_envoy(&mut self) -> Result<(), Missing> {
        let before = self.pids();
        self.epoch += 1;
        let new = self.spawn(Start::TakeOver(self.epoch), self.group)?;
        // The old one ends by itself a fixed time after the new one has taken over.
        self.await_end(&before);
        if processes::lives(new) { Ok(()) } else { Err(self.no_new()) }
    }

    fn upgrade_pingora(&mut self) -> Result<(), Missing> {
        let before = self.pids();
        self.epoch += 1;
        let new = self.spawn(Start::TakeOver(self.epoch), self.group)?;
        let socket = self.folder.join("upgrade.sock");
        let waits = || (socket.exists() || !processes::lives(new)).then_some(());
        wait::until(COME, waits).ok_or_else(|| self.no_new())?;
        for process in &before {
            signal(*process, Signal::QUIT);
        }
        self.await_end(&before);
        if processes::lives(new) { Ok(()) } else { Err(self.no_new()) }
    }

    fn await_end(&self, old: &[u32]) {
        wait::until(GO, || (!old.iter().any(|id| processes::lives(*id))).then_some(()));
    }

    const fn no_new(&self) -> Missing {
        let what = "be upgraded: no new process came up";
        Missing::Feature { product: self.product, what }
    }
}
