//! Kept values: what is served while the dependency fails, and who asks it.

use std::cell::Cell;
use std::future::{pending, ready};
use std::time::Duration;

use seawall::{Policy, Provenance, Reason, Stale, StaleError, StaleSettings, Supply};
use tokio::time::sleep;

use crate::world::{ms, now, poll, s};

fn minute() -> Stale<&'static str, u32> {
    Stale::new(StaleSettings::new(s(60), s(600))).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_fresh_value_is_served_without_asking() {
    let (items, asked) = (minute(), Cell::new(0));
    let ask = || {
        asked.set(asked.get() + 1);
        ready(Ok::<_, String>(asked.get()))
    };
    assert_eq!(items.get("a", ask).await, Ok(Supply::Fresh { value: 1, age: s(0) }));
    sleep(s(59)).await;
    assert_eq!(items.get("a", ask).await, Ok(Supply::Fresh { value: 1, age: s(59) }));
    sleep(s(1)).await;
    assert_eq!(items.get("a", ask).await, Ok(Supply::Fresh { value: 2, age: s(0) }));
}

#[tokio::test(start_paused = true)]
async fn a_stale_value_stands_in_for_an_error_and_not_for_ever() {
    let items = minute();
    items.put("a", 1);
    let down = || ready(Err::<u32, _>("down"));
    sleep(s(60)).await;
    assert_eq!(items.get("a", down).await, Ok(Supply::Stale { value: 1, age: s(60) }));
    sleep(s(601)).await;
    assert_eq!(items.get("a", down).await, Err(StaleError::Failed("down")));
    assert!(matches!(items.get("a", down).await, Err(StaleError::Resting { .. })));
}

#[tokio::test(start_paused = true)]
async fn one_caller_refreshes_and_the_others_get_what_it_brings() {
    let (items, asked, began) = (minute(), Cell::new(0), now());
    let get = || {
        items.get("a", || async {
            asked.set(asked.get() + 1);
            sleep(ms(50)).await;
            Ok::<_, String>(7)
        })
    };
    let (first, second, third) = tokio::join!(get(), get(), get());
    assert_eq!(first, Ok(Supply::Fresh { value: 7, age: s(0) }));
    assert_eq!((&second, &third), (&first, &first));
    assert_eq!((asked.get(), began.elapsed()), (1, ms(50)));
}

#[tokio::test(start_paused = true)]
async fn while_one_refreshes_the_others_are_served_what_is_stale() {
    let items = minute();
    items.put("a", 1);
    sleep(s(60)).await;
    let mut leader = Box::pin(items.get("a", pending::<Result<u32, String>>));
    assert!(poll(leader.as_mut()).is_pending());
    let ask = || ready(Ok::<_, String>(2));
    assert_eq!(items.get("a", ask).await, Ok(Supply::Stale { value: 1, age: s(60) }));
    drop(leader);
    let next = items.get("a", ask).await;
    assert_eq!(
        next,
        Ok(Supply::Fresh { value: 2, age: s(0) }),
        "it leads in the place of the first"
    );
}

#[tokio::test(start_paused = true)]
async fn a_follower_leads_on_or_gives_up_in_time() {
    let (items, began) = (minute(), now());
    let mut leader = Box::pin(items.get("a", pending::<Result<u32, String>>));
    assert!(poll(leader.as_mut()).is_pending());
    let late = items.get("a", || ready(Ok::<_, String>(2))).await;
    assert_eq!((late, began.elapsed()), (Err(StaleError::NotInTime), ms(100)));
    let mut follower = Box::pin(items.get("a", || ready(Ok::<_, String>(3))));
    assert!(poll(follower.as_mut()).is_pending());
    drop(leader);
    assert_eq!(follower.await, Ok(Supply::Fresh { value: 3, age: s(0) }));
    assert_eq!(began.elapsed(), ms(100));
}

#[tokio::test(start_paused = true)]
async fn a_follower_of_a_refresh_that_fails_is_told_until_when_the_key_rests() {
    let (items, began) = (minute(), now());
    let slow = || async {
        sleep(ms(30)).await;
        Err::<u32, _>("down")
    };
    let (first, second) = tokio::join!(items.get("a", slow), items.get("a", slow));
    assert_eq!(first, Err(StaleError::Failed("down")));
    let Err(StaleError::Resting { retry_after }) = second else { panic!("{second:?}") };
    assert!(retry_after >= ms(25), "at least half of the first backoff: {retry_after:?}");
    assert_eq!(began.elapsed(), ms(30), "told at once");
}

#[tokio::test(start_paused = true)]
async fn a_follower_of_a_refresh_whose_value_is_not_kept_joins_again() {
    let mut settings = StaleSettings::new(s(60), s(600));
    settings.shelf.bytes_max = 1; // No value of four bytes is kept.
    let (items, asked, began) = (Stale::new(settings).unwrap(), Cell::new(0), now());
    let get = || {
        items.get("a", || async {
            asked.set(asked.get() + 1);
            sleep(ms(60)).await;
            Ok::<_, String>(asked.get())
        })
    };
    let (first, second, third) = tokio::join!(get(), get(), get());
    assert_eq!(first, Ok(Supply::Fresh { value: 1, age: s(0) }));
    let (leads, waits) = if second.is_ok() { (second, third) } else { (third, second) };
    assert_eq!(leads, Ok(Supply::Fresh { value: 2, age: s(0) }), "one of them asks for itself");
    assert_eq!(waits, Err(StaleError::NotInTime), "the wait of the other began with the first");
    assert_eq!(began.elapsed(), ms(120));
}

#[tokio::test(start_paused = true)]
async fn followers_of_a_leader_that_hangs_lead_on_when_its_lease_is_over() {
    let mut settings = StaleSettings::new(s(60), s(600));
    (settings.flights.wait, settings.flights.lease) = (Duration::MAX, s(10));
    let (items, began) = (Stale::new(settings).unwrap(), now());
    let mut leader = Box::pin(items.get("a", pending::<Result<u32, String>>));
    assert!(poll(leader.as_mut()).is_pending());
    let follower = items.get("a", || ready(Ok::<_, String>(2)));
    assert_eq!(follower.await, Ok(Supply::Fresh { value: 2, age: s(0) }));
    assert_eq!(began.elapsed(), s(10));
}

#[tokio::test(start_paused = true)]
async fn a_follower_of_a_flight_that_made_room_for_another_does_not_hang() {
    let mut settings = StaleSettings::new(s(60), s(600));
    (settings.flights.wait, settings.flights.lease) = (Duration::MAX, s(10));
    settings.flights.flights_max = 1;
    let (items, began) = (Stale::new(settings).unwrap(), now());
    let mut leader = Box::pin(items.get("a", pending::<Result<u32, String>>));
    assert!(poll(leader.as_mut()).is_pending());
    let mut follower = Box::pin(items.get("a", || ready(Ok::<_, String>(2))));
    assert!(poll(follower.as_mut()).is_pending());
    tokio::time::advance(s(10)).await;
    // The lease is over, and another key comes first.
    let mut other = Box::pin(items.get("b", pending::<Result<u32, String>>));
    assert!(poll(other.as_mut()).is_pending());
    assert_eq!(follower.await, Ok(Supply::Fresh { value: 2, age: s(0) }));
    assert_eq!(began.elapsed(), s(10));
}

#[tokio::test(start_paused = true)]
async fn kept_values_are_a_rung_of_a_call() {
    let (items, policy) = (minute(), Policy::builder().build().unwrap());
    items.put("a", 1);
    sleep(s(100)).await;
    let call = policy.call(|_| ready(Err::<u32, _>("down")));
    let answer = call.fallback(items.rung("b")).fallback(items.rung("a")).await.unwrap();
    let provenance = Provenance::Fallback { rung: 1, why: Reason::NotIdempotent };
    assert_eq!((answer.value, answer.provenance), (1, provenance));
}

#[test]
fn times_that_cannot_work_are_refused() {
    let never = Stale::<u32, u32>::new(StaleSettings::new(s(1), s(0))).unwrap_err();
    assert!(never.to_string().ends_with("`stale.stale_for` is 0, but must be above 0"));
}
