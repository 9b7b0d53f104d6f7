//! The fold of effects, over random sequences of attempts and requests.

use std::sync::Arc;

use super::*;
use crate::error::{ApiError, InvalidRequest, Status};
use crate::fuzz::chance::Chance;

const METHOD: &str = "broadcast";

/// Returns the error of an attempt.
fn error(chance: &mut Chance) -> Error {
    let attempts = Attempts::default();
    let effect = match chance.below(2) {
        0 => Effect::Unsent,
        _ => Effect::MayHaveRun,
    };
    match chance.below(9) {
        0 => Error::Config("a key".to_owned()),
        1 => Error::InvalidRequest(InvalidRequest::from("a name").of(METHOD)),
        2 => Error::Unauthorized {
            method: METHOD,
            status: Status::Http(401),
            attempts,
        },
        3 => Error::Closed {
            method: METHOD,
            attempts,
        },
        4 => Error::Transport {
            method: METHOD,
            status: Status::Http(503),
            body: String::new(),
            retry_after: None,
            attempts,
        },
        5 => Error::Decode {
            method: Some(METHOD),
            message: String::new(),
            source: None,
            attempts,
        },
        6 => Error::Api(ApiError::new(100, "internal server error")),
        7 => Error::Timeout {
            method: METHOD,
            effect,
            after: Duration::ZERO,
            proxy: None,
            attempts,
        },
        _ => Error::Network {
            method: METHOD,
            url: "http://localhost".into(),
            effect,
            elapsed: Duration::ZERO,
            reason: "",
            hint: "",
            source: Arc::from(Box::<dyn std::error::Error + Send + Sync>::from("refused")),
            attempts,
        },
    }
}

/// Whatever the outcomes of the attempts of all requests: "nothing was sent" is said if and only if it is true.
#[test]
fn call_is_unsent_only_if_no_attempt_of_any_request_may_have_run() {
    let mut chance = Chance::new(21);
    for _ in 0..10_000 {
        let requests = 1 + chance.below(4);
        let mut progress = Progress::new(requests);
        let mut effects = Vec::new();
        let ran = chance.below(requests);
        let mut last = error(&mut chance);
        for request in 0..=ran {
            for _ in 0..chance.below(3) {
                progress.count();
                progress.failed(last.effect());
                effects.push(last.effect());
                last = error(&mut chance);
            }
            progress.count();
            if request < ran {
                progress.next_request();
                effects.push(Effect::Ran);
            }
        }
        effects.push(last.effect());
        let failed = progress.error(METHOD, last, Duration::ZERO, None);
        let expected = effects.into_iter().fold(Effect::Unsent, Effect::and);
        let text = failed.to_string();
        assert_eq!(failed.effect(), expected, "{text}");
        assert_eq!(failed.is_unsent(), expected.is_unsent(), "{text}");
        assert!(
            expected.is_unsent() || !text.contains("nothing was sent"),
            "{text}"
        );
        let tells_requests = text.contains(&format!("{ran} of {requests} requests had run"));
        assert_eq!(tells_requests, ran > 0, "{text}");
    }
}
