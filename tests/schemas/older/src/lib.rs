//! The crate, and the embedded server, built from the schema of Centrifugo v5.0.0.
#![cfg(test)]

#[path = "../../every_message.rs"]
mod every_message;
mod server;

use centrifugo_api::prost::Message as _;
use centrifugo_api::{
    ApiError, BatchRequest, BatchResponse, BroadcastRequest, Client, Command, ConsumerCommand,
    ConsumerType, METHODS, Method as _, PublicationMessage, PublishRequest, Reply,
    SubscribeOptionOverride, SubscribeRequest, api, json,
};

type Tested = Result<(), Box<dyn std::error::Error>>;

#[test]
fn methods_are_those_of_the_schema() {
    assert!(METHODS.contains(&"publish") && METHODS.contains(&"update_push_status"));
    assert!(
        !METHODS
            .iter()
            .any(|name| name.starts_with("map_") || name.starts_with("shared_poll") || *name == "cancel_push")
    );
    assert_eq!(METHODS.len(), 32);
    let _ = Client::presence_stats;
}

#[test]
fn requests_have_the_fields_of_their_time() -> Tested {
    let request = PublishRequest::new("news", json(&[1])?)
        .tags([("a", "b")])
        .skip_history(true);
    assert_eq!(
        serde_json::to_string(&request)?,
        r#"{"channel":"news","data":[1],"skip_history":true,"tags":{"a":"b"}}"#
    );
    let options = SubscribeOptionOverride::new().presence(true);
    let request = SubscribeRequest::new("news").user("alice")
        .info("{}")
        .r#override(options);
    assert_eq!(
        serde_json::to_string(&request)?,
        r#"{"channel":"news","user":"alice","info":{},"override":{"presence":{"value":true}}}"#
    );
    assert_eq!(
        SubscribeRequest::decode(&*request.encode_to_vec())?,
        request
    );
    // A key that the schema has no field for protects nothing.
    assert!(!PublishRequest::new("news", "1").is_repeatable());
    Ok(())
}

#[test]
fn consumers_take_requests_without_keys() -> Tested {
    let request = BroadcastRequest::new(["a", "b"], "1").tags([("c", "d")]);
    // The schema has no keys, so that every broadcast may be repeated.
    assert!(ConsumerCommand::new(&request).is_err());
    let command = ConsumerCommand::may_repeat(&request)?;
    assert_eq!(command.message(ConsumerType::Kafka).key(), Some("a"));
    let publication = PublicationMessage::may_repeat(&request)?;
    let message = publication.message(ConsumerType::Kafka)?;
    assert_eq!(
        message.headers().collect::<Vec<_>>(),
        [("centrifugo-channels", "a,b"), ("centrifugo-tag-c", "d")]
    );
    Ok(())
}

#[test]
fn commands_also_have_what_v6_removed() -> Tested {
    let command = Command::from(PublishRequest::new("news", "1"))
        .id(7_u32)
        .with_method(api::command::MethodType::Unsubscribe)
        .params("{}");
    let batch = BatchRequest::new([command, Command::new()]);
    let json = r#"{"commands":[{"id":7,"method":2,"params":{},"publish":{"channel":"news","data":1}},{}]}"#;
    assert_eq!(serde_json::to_string(&batch)?, json);
    assert_eq!(serde_json::from_str::<BatchRequest>(json)?, batch);
    assert_eq!(BatchRequest::decode(&*batch.encode_to_vec())?, batch);
    Ok(())
}

#[test]
fn replies_are_checked_in_transport_error_mode() -> Tested {
    let batch = BatchRequest::new([PublishRequest::new("news", "1").into()] as [Command; 1]);
    let response: BatchResponse =
        serde_json::from_str(r#"{"replies":[{"id":7,"publish":{"offset":1}}]}"#)?;
    assert_eq!(batch.verify(&response.into()), Ok(()));
    let response: BatchResponse = serde_json::from_str(r#"{"replies":[{"presence":{}}]}"#)?;
    assert!(batch.verify(&response.into()).is_err());
    let reply: Reply = serde_json::from_str(r#"{"id":1,"result":{"a":1},"error":{"code":100}}"#)?;
    assert_eq!((reply.id, &reply.result[..]), (1, &br#"{"a":1}"#[..]));
    let temporary = |code| ApiError::new(code, "").is_temporary();
    assert!(temporary(100) && temporary(111) && !temporary(104));
    Ok(())
}
