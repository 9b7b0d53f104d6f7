//! Commands as messages.

use super::{QUEUES, assert_refused, reader};
use crate::api::messages::{
    BroadcastRequest, DisconnectRequest, HistoryRemoveRequest, PublishRequest, RefreshRequest,
    SubscribeRequest, UnsubscribeRequest,
};
use crate::api::payload::binary;
use crate::consumer::{ConsumerCommand, ConsumerMethod, ConsumerType, partition};
use crate::error::Error;

fn command<M: ConsumerMethod>(request: M) -> ConsumerCommand {
    ConsumerCommand::new(&request).expect("the request is complete")
}

#[test]
fn message_has_method_in_header_and_request_in_body() {
    let command = command(PublishRequest::new("news", r#"{"n":1}"#));
    let body = r#"{"channel":"news","data":{"n":1}}"#;
    for (queue, headers, body) in [
        (
            ConsumerType::Kafka,
            vec![("centrifugo-method", "publish")],
            body,
        ),
        (
            ConsumerType::NatsJetStream,
            vec![("centrifugo-method", "publish")],
            body,
        ),
        (ConsumerType::RedisStream, vec![("method", "publish")], body),
        (
            ConsumerType::GooglePubSub,
            vec![("centrifugo-method", "publish")],
            body,
        ),
        (
            ConsumerType::AwsSqs,
            vec![("centrifugo-method", "publish")],
            body,
        ),
        (
            ConsumerType::AwsSns,
            vec![],
            r#"{"method":"publish","payload":{"channel":"news","data":{"n":1}}}"#,
        ),
        (
            ConsumerType::AzureServiceBus,
            vec![("centrifugo-method", "publish")],
            body,
        ),
    ] {
        let message = command.message(queue);
        assert_eq!(message.headers().collect::<Vec<_>>(), headers, "{queue:?}");
        assert_eq!(message.body(), body, "{queue:?}");
        assert_eq!(message.text(), Some(body), "{queue:?}");
        assert_eq!(message.key(), Some("news"), "{queue:?}");
    }
}

#[test]
fn message_without_header_is_serialized_command() {
    let command = command(PublishRequest::new("news", binary([0, 255])));
    let json = serde_json::to_string(&command).expect("a command can be serialized");
    assert_eq!(
        command.message(ConsumerType::AwsSns).text(),
        Some(json.as_str())
    );
}

#[test]
fn every_command_is_read_as_it_was_made() {
    let commands = [
        command(PublishRequest::new("news", r#"{ "a" : 1.0 }"#).tags([("a", "b")])),
        command(BroadcastRequest::new(["a", "b"], "1").idempotency_key("key")),
        command(SubscribeRequest::new("news").user("alice")),
        command(UnsubscribeRequest::new("news").user("alice")),
        command(DisconnectRequest::new("alice")),
        command(HistoryRemoveRequest::new("news")),
        command(RefreshRequest::new("alice").expired(true)),
    ];
    for command in commands {
        for queue in QUEUES {
            let (method, request) = reader::command(&command.message(queue), queue);
            assert_eq!(method, command.method(), "{queue:?}");
            assert_eq!(request, command.payload().get().as_bytes(), "{queue:?}");
        }
    }
}

#[test]
fn key_is_channel_or_else_user() {
    let kafka_key = |command: ConsumerCommand| {
        let message = command.message(ConsumerType::Kafka);
        message.key().map(str::to_owned)
    };
    let news = Some("news".to_owned());
    let alice = Some("alice".to_owned());
    assert_eq!(kafka_key(command(PublishRequest::new("news", "1"))), news);
    assert_eq!(
        kafka_key(command(SubscribeRequest::new("news").user("alice"))),
        news
    );
    assert_eq!(
        kafka_key(command(UnsubscribeRequest::new("news").user("alice"))),
        news
    );
    assert_eq!(
        kafka_key(command(UnsubscribeRequest::new("").user("alice"))),
        alice
    );
    assert_eq!(kafka_key(command(HistoryRemoveRequest::new("news"))), news);
    assert_eq!(kafka_key(command(DisconnectRequest::new("alice"))), alice);
    assert_eq!(kafka_key(command(RefreshRequest::new("alice"))), alice);
    assert_eq!(kafka_key(command(DisconnectRequest::new(""))), None);
}

#[test]
fn key_of_broadcast_is_its_first_channel() {
    let request = BroadcastRequest::new(["news", "sports"], "1").idempotency_key("key");
    let message = command(request).message(ConsumerType::Kafka);
    assert_eq!(message.key(), Some("news"));
}

#[test]
fn partition_is_that_of_key() {
    let partitions = std::num::NonZeroU16::new(10).expect("not zero");
    for (command, name) in [
        (command(PublishRequest::new("user:42", "1")), "user:42"),
        (command(DisconnectRequest::new("alice")), "alice"),
        (command(DisconnectRequest::new("")), ""),
    ] {
        assert_eq!(command.partition(partitions), partition(name, partitions));
    }
}

#[test]
fn broadcast_without_key_says_that_it_may_repeat() -> Result<(), Error> {
    let request = BroadcastRequest::new(["news", "sports"], "1");
    let result = ConsumerCommand::new(&request);
    assert_refused(result, Some("idempotency_key"), "`may_repeat`");
    let command = ConsumerCommand::may_repeat(&request)?;
    assert_eq!(command.method(), "broadcast");
    assert_eq!(
        command.payload().get(),
        r#"{"channels":["news","sports"],"data":1}"#
    );

    // Other requests need no key.
    ConsumerCommand::new(&PublishRequest::new("news", "1"))?;
    Ok(())
}

#[test]
fn incomplete_broadcast_is_refused_for_what_it_lacks() {
    let request = BroadcastRequest::new([""; 0], "1");
    assert_refused(
        ConsumerCommand::new(&request),
        Some("channels"),
        "is not set",
    );
    assert_refused(
        ConsumerCommand::may_repeat(&request),
        Some("channels"),
        "is not set",
    );
}

#[test]
fn payload_that_is_not_json_is_refused() {
    let request = PublishRequest::new("news", "{");
    assert_refused(ConsumerCommand::new(&request), Some("data"), "is not JSON");
}

#[test]
fn entry_of_redis_has_body_as_payload() {
    let message = command(DisconnectRequest::new("alice")).message(ConsumerType::RedisStream);
    let fields: Vec<_> = message.redis_fields().collect();
    assert_eq!(
        fields,
        [
            ("method", &b"disconnect"[..]),
            ("payload", br#"{"user":"alice"}"#)
        ]
    );
}
