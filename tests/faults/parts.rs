//! Batches and broadcasts: a reply must have a part of the right kind for each command or channel.

use centrifugo_api::{
    BatchRequest, BatchResponse, BroadcastRequest, BroadcastResponse, Command, Error,
    HistoryRemoveRequest, HistoryRequest, PublishRequest, UnsubscribeRequest,
};

use crate::over_both_transports::{Server, replying};
use crate::{Outcome, Predicates, assert_says, predicates};

fn broadcast() -> BroadcastRequest {
    BroadcastRequest::new(["a", "b"], "{}")
}

fn batch() -> BatchRequest {
    BatchRequest::new([
        Command::from(PublishRequest::new("a", "{}")),
        Command::from(HistoryRequest::new("a")),
        Command::from(broadcast()),
    ])
}

fn assert_broken<T: std::fmt::Debug>(
    outcome: Result<T, Error>,
    method: &str,
    expected: &str,
    case: &str,
) {
    let error = outcome.expect_err(case);
    assert!(
        matches!(error, Error::Decode { method: Some(name), .. } if name == method),
        "{case}: {error:?}"
    );
    assert_eq!(predicates(&error), Predicates::default(), "{case}");
    assert_says(&error, expected, case);
}

fn case(server: &Server, json: &str) -> String {
    format!("{}: {json}", server.transport())
}

#[tokio::test]
async fn broadcast_without_a_response_for_each_channel_is_no_success() {
    for (json, expected) in [
        (r#"{}"#, "neither an error nor a result"),
        (r#"{"result":{}}"#, "0 responses for 2 channels"),
        (
            r#"{"result":{"responses":[]}}"#,
            "0 responses for 2 channels",
        ),
        (
            r#"{"result":{"responses":[{"result":{}}]}}"#,
            "1 responses for 2 channels",
        ),
        (
            r#"{"result":{"responses":[{"result":{}},{"result":{}},{"result":{}}]}}"#,
            "3 responses for 2 channels",
        ),
        (
            r#"{"result":{"responses":[{"result":{}},{}]}}"#,
            "responses[1] has neither an error nor a result",
        ),
        (
            r#"{"result":{"responses":[{},{"result":{}}]}}"#,
            "responses[0] has neither an error nor a result",
        ),
    ] {
        for server in replying::<BroadcastResponse>(json) {
            let outcome = server.client().broadcast(broadcast()).await;
            assert_broken(outcome, "broadcast", expected, &case(&server, json));
        }
    }
}

#[tokio::test]
async fn broadcast_returns_an_outcome_for_every_channel() -> Outcome {
    let json = r#"{"result":{"responses":[{"error":{"code":108,"message":"not available"}},{"result":{"offset":3}}]}}"#;
    for server in replying::<BroadcastResponse>(json) {
        let result = server.client().broadcast(broadcast()).await?;
        let outcomes: Vec<_> = result.outcomes().collect();
        let [refused, published] = &outcomes[..] else {
            panic!("{result:?}")
        };
        assert_eq!(refused.map_err(|error| error.code), Err(108));
        assert_eq!(published.map(|result| result.offset).ok(), Some(3));
    }
    Ok(())
}

#[tokio::test]
async fn batch_without_a_reply_for_each_command_is_no_success() {
    let (publish, history) = (r#"{"publish":{}}"#, r#"{"history":{}}"#);
    let broadcast = r#"{"broadcast":{"responses":[{"result":{}},{"result":{}}]}}"#;
    let error = r#"{"error":{"code":100,"message":"internal"}}"#;
    for (replies, expected) in [
        (vec![], "0 replies for 3 commands"),
        (vec![publish], "1 replies for 3 commands"),
        (
            vec![publish, history, broadcast, error],
            "4 replies for 3 commands",
        ),
        (
            vec![history, history, broadcast],
            "replies[0]: a reply of `history` to the command `publish`",
        ),
        (
            vec![publish, r#"{"info":{}}"#, error],
            "replies[1]: a reply of `info` to the command `history`",
        ),
        (
            vec![error, r#"{"publish":{},"history":{}}"#, error],
            "replies[1]: a reply of `publish, history` to the command `history`",
        ),
        (
            vec![publish, history, "{}"],
            "replies[2]: neither an error nor a result",
        ),
        (
            vec![publish, "{}", error],
            "replies[1]: neither an error nor a result",
        ),
        (
            vec![
                publish,
                history,
                r#"{"broadcast":{"responses":[{"result":{}}]}}"#,
            ],
            "replies[2]: 1 responses for 2 channels",
        ),
        (
            vec![
                publish,
                history,
                r#"{"broadcast":{"responses":[{"result":{}},{}]}}"#,
            ],
            "replies[2]: responses[1] has neither",
        ),
    ] {
        let json = format!(r#"{{"replies":[{}]}}"#, replies.join(","));
        for server in replying::<BatchResponse>(&json) {
            let outcome = server.client().batch(batch()).await;
            assert_broken(outcome, "batch", expected, &case(&server, &json));
        }
    }
}

#[tokio::test]
async fn batch_returns_a_reply_for_every_command() -> Outcome {
    let json = r#"{"replies":[
        {"publish":{"offset":9,"epoch":"e"}},
        {"error":{"code":108,"message":"not available"}},
        {"broadcast":{"responses":[{"result":{"offset":1}},{"error":{"code":102,"message":"unknown"}}]}}
    ]}"#;
    for server in replying::<BatchResponse>(json) {
        let response = server.client().batch(batch()).await?;
        let [Ok(published), Err(refused), Ok(broadcast)] = &response[..] else {
            panic!("{response:?}")
        };
        assert_eq!(
            published.publish.as_ref().map(|result| result.offset),
            Some(9)
        );
        assert_eq!(refused.code, 108);
        assert_eq!(
            broadcast
                .broadcast
                .as_ref()
                .map(|result| result.responses.len()),
            Some(2)
        );
    }
    Ok(())
}

#[tokio::test]
async fn empty_result_in_a_batch_may_be_left_out() -> Outcome {
    for server in replying::<BatchResponse>(r#"{"replies":[{},{}]}"#) {
        let commands = [
            Command::from(UnsubscribeRequest::new("a").user("alice")),
            Command::from(HistoryRemoveRequest::new("a")),
        ];
        let response = server.client().batch(BatchRequest::new(commands)).await?;
        assert_eq!(response.len(), 2);
    }
    Ok(())
}

#[tokio::test]
async fn empty_batch_returns_nothing() -> Outcome {
    for server in replying::<BatchResponse>("{}") {
        let response = server
            .client()
            .batch(BatchRequest::new(Vec::<Command>::new()))
            .await?;
        assert!(response.is_empty());
    }
    Ok(())
}
