//! Sends a request by the first connection that takes it: while none is there, further ones are dialled.
//!
//! The HTTP client dials by itself when it executes a request. So copies of the request are executed, of which
//! [`SendState`] lets only one leave.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use reqwest::{Client, Request, Response};
use tokio::time::{Sleep, sleep_until};

use super::dialer::REQUEST;
use crate::transport::{SendState, diagnosis};

/// The maximal number of copies that are executed at a time.
const MAX_RUNNING: usize = 3;

/// The maximal number of copies of a request.
const MAX_COPIES: u8 = 10;

type Outcome = reqwest::Result<Response>;

/// A copy of a request that is being executed.
struct Running<'a> {
    copy: u8,
    outcome: Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>,
}

/// Executes a request, given its first copy, and a function that makes the copy with a number.
pub(super) async fn execute(
    client: &Client,
    state: &SendState,
    first: (u8, Request),
    make: impl Fn(u8) -> Option<Request>,
) -> Outcome {
    let (copy, first) = first;
    let execute = |request| REQUEST.scope(state.clone(), client.execute(request));
    let first = pin!(Some(execute(first)));
    let mut first = OnStack(first);
    // Usually there is a connection, and nothing is dialled.
    let without_dial = poll_fn(|context| match Pin::new(&mut first).poll(context) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending if state.dials().have_begun() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    if let Some(outcome) = without_dial.await {
        return outcome;
    }
    let mut race = Race::new(state, copy, Box::pin(first));
    loop {
        match poll_fn(|context| race.poll(context)).await {
            Event::Due => {}
            Event::Ended(_, Ok(response)) => return Ok(response),
            Event::Ended(copy, Err(error)) => match race.go_on_after(copy, error) {
                Ok(is_due) if is_due => {}
                Ok(_) => continue,
                Err(error) => return Err(error),
            },
        }
        let copy = state.new_copy();
        if let Some(request) = make(copy) {
            race.add(copy, Box::pin(execute(request)));
        }
    }
}

/// A future on the stack, which is dropped together with this.
struct OnStack<'a, F>(Pin<&'a mut Option<F>>);

impl<F: Future> Future for OnStack<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.0.as_mut().as_pin_mut() {
            Some(future) => future.poll(context),
            None => unreachable!("the future is there until this is dropped"),
        }
    }
}

impl<F> Drop for OnStack<'_, F> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

/// A race of the copies of a request.
struct Race<'a> {
    state: &'a SendState,
    running: Vec<Running<'a>>,
    /// The number of copies so far.
    copies: u8,
    has_failed: bool,
    timer: Pin<Box<Sleep>>,
}

enum Event {
    Ended(u8, Outcome),
    /// Another copy is due.
    Due,
}

impl<'a> Race<'a> {
    fn new(
        state: &'a SendState,
        copy: u8,
        first: Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>,
    ) -> Self {
        let mut race = Self {
            state,
            running: Vec::with_capacity(MAX_RUNNING),
            copies: 0,
            has_failed: false,
            timer: Box::pin(sleep_until(Instant::now().into())),
        };
        race.add(copy, first);
        race
    }

    fn add(&mut self, copy: u8, outcome: Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>) {
        self.copies += 1;
        self.running.push(Running { copy, outcome });
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        if let Some(sent) = self.state.sent_copy() {
            self.running.retain(|running| running.copy == sent);
        }
        for index in 0..self.running.len() {
            if let Poll::Ready(outcome) = self.running[index].outcome.as_mut().poll(context) {
                let copy = self.running.remove(index).copy;
                return Poll::Ready(Event::Ended(copy, outcome));
            }
        }
        // An address that has failed is not dialled once more.
        let dials = self.state.dials();
        let is_useful = dials.has_more_addresses() || !self.has_failed;
        if self.may_add()
            && is_useful
            && let Some(due) = dials.next_due(context.waker())
        {
            self.timer.as_mut().reset(due.into());
            return self.timer.as_mut().poll(context).map(|()| Event::Due);
        }
        Poll::Pending
    }

    /// Takes the failure of a copy. Returns whether another copy is due at once, or the error if the race is lost.
    fn go_on_after(&mut self, copy: u8, error: reqwest::Error) -> reqwest::Result<bool> {
        match self.state.sent_copy() {
            Some(sent) if sent == copy => return Err(error),
            // It has lost the race.
            Some(_) => return Ok(false),
            None => {}
        }
        self.has_failed = true;
        let has_more = self.state.dials().has_more_addresses();
        if has_more && self.may_add() && !diagnosis::is_out_of_files(&error) {
            return Ok(true);
        }
        // If a dial takes too long, so do those that have begun a little later.
        if self.running.is_empty() || error.is_timeout() {
            return Err(error);
        }
        Ok(false)
    }

    fn may_add(&self) -> bool {
        self.state.sent_copy().is_none()
            && self.running.len() < MAX_RUNNING
            && self.copies < MAX_COPIES
    }
}
