//! Observers that are slow: their time passes, and nothing else changes.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use centrifugo_api::http::HeaderMap;
use centrifugo_api::observe::{
    AttemptEnd, AttemptStart, CallEnd, CallObserver, CallStart, Observer,
};
use centrifugo_api::{InfoRequest, PublishRequest};

use crate::{Outcome, both_transports};

/// The timeout of calls, which each slow function exceeds.
const TIMEOUT: Duration = Duration::from_millis(300);
const LONGER: Duration = Duration::from_millis(400);

/// The function of an observer that is slow.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Slow {
    Call,
    AttemptStarts,
    AttemptEnds,
    Ends,
}

#[derive(Clone, Copy)]
struct Sleeper(Slow);

impl Sleeper {
    /// Blocks the thread, as an observer does that writes to a slow disk.
    fn at(self, function: Slow) {
        if self.0 == function {
            sleep(LONGER);
        }
    }
}

impl Observer for Sleeper {
    fn call(&self, _: &CallStart<'_>) -> Option<Arc<dyn CallObserver>> {
        self.at(Slow::Call);
        Some(Arc::new(*self))
    }
}

impl CallObserver for Sleeper {
    fn attempt_starts(&self, _: &AttemptStart<'_>, _: &mut HeaderMap) {
        self.at(Slow::AttemptStarts);
    }

    fn attempt_ends(&self, _: &AttemptStart<'_>, _: &AttemptEnd<'_>) {
        self.at(Slow::AttemptEnds);
    }

    fn ends(&self, _: &CallEnd<'_>) {
        self.at(Slow::Ends);
    }
}

#[tokio::test]
async fn slow_observer_fails_no_call() -> Outcome {
    for slow in [Slow::Call, Slow::AttemptEnds, Slow::Ends] {
        for (server, builder, _) in both_transports()? {
            let client = builder.timeout(TIMEOUT).observer(Sleeper(slow)).build()?;
            let result = client.publish(PublishRequest::new("chat:news", "{}")).await;
            result.map_err(|error| format!("{slow:?}: {error}"))?;
            assert_eq!(server.requests().len(), 1);
        }
    }
    Ok(())
}

/// Its time is a part of the call's, which then certainly was not sent.
#[tokio::test]
async fn observer_that_holds_up_an_attempt_leaves_the_call_unsent() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let observer = Sleeper(Slow::AttemptStarts);
        let client = builder.timeout(TIMEOUT).observer(observer).build()?;
        let error = client.info(InfoRequest::new()).await.unwrap_err();
        assert!(error.is_timeout() && error.is_unsent(), "{error:?}");
        assert!(server.requests().is_empty());
    }
    Ok(())
}
