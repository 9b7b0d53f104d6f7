//! The order of the calls that wait, and their bounds.

use std::sync::Arc;

use super::queue::{Job, Put, Queue, Turn, work};
use super::{Background, BackgroundCounts};
use crate::observe::DropReason;

fn queue(options: Background) -> Arc<Queue> {
    Arc::new(Queue::new(options))
}

/// Puts a call of that size into a queue.
fn put(queue: &Arc<Queue>, channel: &str, size: usize) -> Put {
    queue.put(channel.into(), Job::new(size, || Box::pin(async { true })))
}

/// Returns the channels of the calls that were dropped, and why they were.
fn dropped(put: &Put) -> (Vec<&str>, Option<DropReason>) {
    let channels = put.dropped.iter().map(|(channel, _)| &**channel);
    (channels.collect(), put.reason)
}

fn turn(put: Put) -> Turn {
    put.turn.unwrap()
}

#[test]
fn one_call_per_channel_is_in_flight() {
    let queue = queue(Background::default().max_in_flight(3));
    let mut first = turn(put(&queue, "a", 1));
    let mut second = turn(put(&queue, "a", 1));
    let mut third = turn(put(&queue, "b", 1));
    assert!(put(&queue, "c", 1).turn.is_none(), "three tasks are enough");
    assert!(first.next().is_some() && second.next().is_some() && third.next().is_some());
    // Of the four calls one waits for the first of its channel.
    let counts = queue.counts();
    assert_eq!((counts.in_flight, counts.waiting), (3, 1));
    second.ended(true);
    assert!(second.next().is_none(), "the channel `a` is not free");
    first.ended(false);
    assert!(first.next().is_some());
    first.ended(true);
    third.ended(true);
    let expected = BackgroundCounts {
        succeeded: 3,
        failed: 1,
        ..BackgroundCounts::default()
    };
    assert_eq!(queue.counts(), expected);
}

#[test]
fn oldest_call_is_dropped_when_there_is_no_room() {
    let queue = queue(Background::default().max_waiting(2));
    let _turns = ["a", "b"].map(|channel| put(&queue, channel, 1));
    assert_eq!(
        dropped(&put(&queue, "c", 1)),
        (vec!["a"], Some(DropReason::Full))
    );
    assert_eq!(
        dropped(&put(&queue, "a", 1)),
        (vec!["b"], Some(DropReason::Full))
    );
    let counts = queue.counts();
    assert_eq!((counts.waiting, counts.dropped), (2, 2));
}

#[test]
fn as_many_calls_are_dropped_as_their_bytes_ask_for() {
    let queue = queue(Background::default().max_waiting_bytes(10));
    let _turns = ["a", "b", "c"].map(|channel| put(&queue, channel, 3));
    assert_eq!(
        dropped(&put(&queue, "d", 5)),
        (vec!["a", "b"], Some(DropReason::Full))
    );
    assert_eq!(
        dropped(&put(&queue, "e", 11)),
        (vec!["e"], Some(DropReason::Full))
    );
    assert_eq!(queue.counts().waiting_bytes, 8);
}

#[test]
fn newest_call_is_dropped_if_asked_for() {
    let queue = queue(Background::default().max_waiting(1).drop_newest());
    let _turn = put(&queue, "a", 1);
    assert_eq!(
        dropped(&put(&queue, "b", 1)),
        (vec!["b"], Some(DropReason::Full))
    );
}

/// A channel whose calls were all dropped is due once, when it has calls again.
#[test]
fn dropped_calls_leave_their_channel_in_order() {
    let queue = queue(Background::default().max_waiting(1));
    let mut first = turn(put(&queue, "a", 1));
    let mut second = turn(put(&queue, "b", 1));
    put(&queue, "a", 1);
    assert!(first.next().is_some());
    put(&queue, "a", 1);
    assert!(second.next().is_none(), "the call about `a` is in flight");
    first.ended(true);
    assert!(first.next().is_some() && first.next().is_none());
}

/// Also those of a sender that is full for a long time, with another channel each time.
#[test]
fn channels_of_dropped_calls_are_forgotten() {
    let queue = queue(Background::default().max_waiting(10).max_in_flight(1));
    let _busy = put(&queue, "first", 1);
    for number in 0..1000 {
        put(&queue, &number.to_string(), 1);
    }
    assert!(queue.channels() <= 2 * 10 + 1, "{}", queue.channels());
}

#[test]
fn call_that_panics_has_failed() {
    let queue = queue(Background::default());
    let panicking = Job::new(1, || panic!("this test wants to see a panic"));
    let turn = turn(queue.put("a".into(), panicking));
    put(&queue, "a", 1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(work(turn));
    let counts = queue.counts();
    assert_eq!((counts.failed, counts.succeeded, counts.waiting), (1, 1, 0));
}

#[test]
fn call_whose_task_ends_frees_its_channel() {
    let queue = queue(Background::default().max_in_flight(1));
    let mut lost = turn(put(&queue, "a", 1));
    assert!(lost.next().is_some());
    drop(lost);
    assert_eq!(queue.counts().failed, 1);
    assert!(turn(put(&queue, "a", 1)).next().is_some());
}
