//! Shrinks a sequence that shows a difference as far as possible.

use std::time::{Duration, Instant};

use crate::compare::{Difference, Pair};
use crate::json::without_one;
use crate::steps::{Action, Frame, Step};

const LIMIT: Duration = Duration::from_secs(60);

/// Returns the smallest sequence found, and its difference.
pub(crate) async fn shrink(
    pair: &mut Pair,
    mut steps: Vec<Step>,
    mut difference: Difference,
) -> (Vec<Step>, Difference) {
    let deadline = Instant::now() + LIMIT;
    // Large pieces first, then single steps.
    let mut piece = steps.len().div_ceil(2);
    while piece > 0 {
        let mut start = 0;
        while start < steps.len() && Instant::now() < deadline {
            let end = (start + piece).min(steps.len());
            let fewer = [&steps[..start], &steps[end..]].concat();
            match pair.play(&fewer).await {
                Some(found) => (steps, difference) = (fewer, found),
                None => start = end,
            }
        }
        piece /= 2;
    }
    while let Some((simpler, found)) = simplify(pair, &steps, deadline).await {
        (steps, difference) = (simpler, found);
    }
    (steps, difference)
}

/// Returns a sequence with one simpler step that still shows a difference.
async fn simplify(
    pair: &mut Pair,
    steps: &[Step],
    deadline: Instant,
) -> Option<(Vec<Step>, Difference)> {
    for fewer in without_one(steps) {
        if Instant::now() < deadline
            && let Some(found) = pair.play(&fewer).await
        {
            return Some((fewer, found));
        }
    }
    for (index, step) in steps.iter().enumerate() {
        for action in simpler(&step.action) {
            if Instant::now() > deadline {
                return None;
            }
            let mut steps = steps.to_vec();
            steps[index].action = action;
            if let Some(found) = pair.play(&steps).await {
                return Some((steps, found));
            }
        }
    }
    None
}

fn simpler(action: &Action) -> Vec<Action> {
    let mut found = Vec::new();
    match action {
        Action::Http(call) => {
            for headers in without_one(&call.headers) {
                found.push(Action::Http(crate::steps::HttpCall {
                    headers,
                    ..call.clone()
                }));
            }
            for body in without_one(&call.body) {
                found.push(Action::Http(crate::steps::HttpCall {
                    body,
                    ..call.clone()
                }));
            }
            for (index, part) in call.body.iter().enumerate() {
                for part in part.simpler() {
                    let mut call = call.clone();
                    call.body[index] = part;
                    found.push(Action::Http(call));
                }
            }
        }
        Action::Grpc(call) => {
            if call.frame != Frame::Whole {
                found.push(Action::Grpc(crate::steps::GrpcCall {
                    frame: Frame::Whole,
                    ..call.clone()
                }));
            }
            for metadata in without_one(&call.metadata) {
                found.push(Action::Grpc(crate::steps::GrpcCall {
                    metadata,
                    ..call.clone()
                }));
            }
            for message in call.message.simpler() {
                found.push(Action::Grpc(crate::steps::GrpcCall {
                    message,
                    ..call.clone()
                }));
            }
        }
        Action::Connect {
            user,
            info: Some(_),
        } => {
            found.push(Action::Connect {
                user: user.clone(),
                info: None,
            });
        }
        _ => {}
    }
    found
}
