//! Waking many at once: on a small stack, in order, and past those that panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use super::Wakes;
use crate::mechanism::Woken;

/// Notes its number when it is woken, and panics if it is told to.
struct Numbered {
    number: u32,
    panics: bool,
    log: Arc<Mutex<Vec<u32>>>,
}

impl Wake for Numbered {
    fn wake(self: Arc<Self>) {
        self.log.lock().unwrap().push(self.number);
        assert!(!self.panics, "waker {}", self.number);
    }
}

fn numbered(panics: impl Fn(u32) -> bool) -> (Woken, Arc<Mutex<Vec<u32>>>) {
    let (mut woken, log) = (Woken::default(), Arc::default());
    for number in 0..5 {
        let (panics, log) = (panics(number), Arc::clone(&log));
        woken.push(Waker::from(Arc::new(Numbered { number, panics, log })));
    }
    (woken, log)
}

#[test]
fn a_hundred_thousand_are_woken_on_a_small_stack() {
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let small = std::thread::Builder::new().stack_size(64 << 10);
    let thread = small.spawn(move || {
        let mut woken = Woken::default();
        (0..100_000).for_each(|_| woken.push(waker.clone()));
    });
    thread.unwrap().join().unwrap();
    assert_eq!(wakes.count(), 100_000);
}

#[test]
fn waiters_are_woken_in_the_order_in_which_they_came() {
    let (woken, log) = numbered(|_| false);
    drop(woken);
    assert_eq!(*log.lock().unwrap(), [0, 1, 2, 3, 4]);
}

#[test]
fn wakers_that_panic_lose_nobody_and_the_first_panic_goes_on() {
    let (woken, log) = numbered(|number| number % 2 == 1);
    let thrown = catch_unwind(AssertUnwindSafe(|| drop(woken))).unwrap_err();
    assert_eq!(thrown.downcast_ref::<String>().map(String::as_str), Some("waker 1"));
    assert_eq!(*log.lock().unwrap(), [0, 1, 2, 3, 4]);
}

#[test]
fn wakers_that_panic_on_the_way_out_of_a_panic_do_not_end_the_process() {
    let (woken, log) = numbered(|_| true);
    let thrown = catch_unwind(AssertUnwindSafe(|| {
        let _woken = woken;
        panic!("first");
    }));
    assert_eq!(thrown.unwrap_err().downcast_ref::<&str>(), Some(&"first"));
    assert_eq!(*log.lock().unwrap(), [0, 1, 2, 3, 4]);
}
