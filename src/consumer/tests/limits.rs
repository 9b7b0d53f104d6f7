//! Limits of queues.

use super::{QUEUES, assert_refused};
use crate::api::messages::{BroadcastRequest, PublishRequest};
use crate::api::payload::binary;
use crate::consumer::{ConsumerCommand, ConsumerMessage, ConsumerType, PublicationMessage};
use crate::error::Error;

fn message(request: &PublishRequest, queue: ConsumerType) -> Result<ConsumerMessage, Error> {
    PublicationMessage::new(request)?.message(queue)
}

fn with_tag(name: &str, value: &str) -> PublishRequest {
    PublishRequest::new("news", "1").tags([(name, value)])
}

/// Checks that these queues, and no others, refuse a request because of a field.
fn assert_refused_by(request: &PublishRequest, field: &str, refusing: &[ConsumerType]) {
    for queue in QUEUES {
        let result = message(request, queue);
        if queue == ConsumerType::AwsSns {
            assert_refused(result, None, "raw message delivery");
        } else if refusing.contains(&queue) {
            assert_refused(result, Some(field), "`ConsumerCommand`");
        } else {
            assert!(result.is_ok(), "{queue:?}: {result:?}");
        }
    }
}

#[test]
fn name_of_tag_fits_into_header() {
    use ConsumerType::{AwsSqs, GooglePubSub, NatsJetStream};
    for (name, refusing) in [
        ("plain_Name-1.x", &[][..]),
        ("", &[]),
        ("with space", &[NatsJetStream, AwsSqs]),
        ("with:colon", &[NatsJetStream, AwsSqs]),
        ("with\nline", &[NatsJetStream, AwsSqs]),
        ("имя", &[NatsJetStream, AwsSqs]),
        ("a/b", &[AwsSqs]),
        ("a..b", &[AwsSqs]),
        ("end.", &[AwsSqs]),
        (&"x".repeat(241), &[]),
        (&"x".repeat(242), &[GooglePubSub, AwsSqs]),
    ] {
        let field = format!("tags[{:?}]", crate::error::excerpt(name.as_bytes()));
        assert_refused_by(&with_tag(name, "1"), &field, refusing);
    }
}

#[test]
fn value_of_tag_fits_into_header() {
    use ConsumerType::{AwsSqs, AzureServiceBus, GooglePubSub, NatsJetStream};
    for (value, refusing) in [
        ("значение, a value", &[][..]),
        ("", &[AwsSqs]),
        (" space", &[NatsJetStream]),
        ("tab\t", &[NatsJetStream]),
        ("two\nlines", &[NatsJetStream]),
        ("two\rlines", &[NatsJetStream]),
        ("\0", &[AwsSqs]),
        ("\u{ffff}", &[AwsSqs]),
        (&"x".repeat(1024), &[]),
        (&"x".repeat(1025), &[GooglePubSub]),
        (&"x".repeat(32 * 1024 + 1), &[GooglePubSub, AzureServiceBus]),
    ] {
        assert_refused_by(&with_tag("a", value), r#"tags["a"]"#, refusing);
    }
}

#[test]
fn channels_and_key_fit_into_headers() {
    use ConsumerType::{GooglePubSub, NatsJetStream};
    let request = PublishRequest::new("news ", "1");
    assert_refused_by(&request, "channel", &[NatsJetStream]);
    let request = PublishRequest::new("news", "1").idempotency_key("a\nb");
    assert_refused_by(&request, "idempotency_key", &[NatsJetStream]);

    let channels = (0..200).map(|index| format!("user:{index}"));
    let request = BroadcastRequest::new(channels, "1").idempotency_key("key");
    let result =
        PublicationMessage::new(&request).and_then(|message| message.message(GooglePubSub));
    assert_refused(result, Some("channels"), "at most 1,024 bytes");
}

#[test]
fn number_of_headers_is_limited() {
    let tags = |count: usize| {
        let tags = (0..count).map(|index| (index.to_string(), "1"));
        PublishRequest::new("news", "1").tags(tags)
    };
    assert_refused_by(&tags(9), "tags", &[]);
    assert_refused_by(&tags(10), "tags", &[ConsumerType::AwsSqs]);
    let refusing = [ConsumerType::AwsSqs, ConsumerType::GooglePubSub];
    assert_refused_by(&tags(100), "tags", &refusing);
}

#[test]
fn body_is_text_where_the_queue_takes_no_other() {
    let request = PublishRequest::new("news", binary([0xff]));
    assert_refused_by(&request, "data", &[ConsumerType::AwsSqs]);
    let request = PublishRequest::new("news", binary(""));
    assert_refused_by(&request, "data", &[ConsumerType::AwsSqs]);
    let request = PublishRequest::new("news", "\"\u{ffff}\"");
    assert_refused_by(&request, "data", &[ConsumerType::AwsSqs]);
}

#[test]
fn key_that_the_queue_does_not_take_is_replaced() -> Result<(), Error> {
    use ConsumerType::{AwsSns, AwsSqs, AzureServiceBus, GooglePubSub};
    let long = "x".repeat(1025);
    for (channel, replacement, replacing) in [
        ("$news:[a].{b}#7", "", &[][..]),
        ("a b", "crc32-806c5cd3", &[AwsSqs, AwsSns]),
        ("чат:привет", "crc32-a8f7a2d0", &[AwsSqs, AwsSns]),
        (&long[..128], "", &[]),
        (
            &long[..129],
            "crc32-34cd5306",
            &[AwsSqs, AwsSns, AzureServiceBus],
        ),
        (
            &long,
            "crc32-582ff191",
            &[AwsSqs, AwsSns, AzureServiceBus, GooglePubSub],
        ),
    ] {
        let command = ConsumerCommand::new(&PublishRequest::new(channel, "1"))?;
        for queue in QUEUES {
            let expected = if replacing.contains(&queue) {
                replacement
            } else {
                channel
            };
            assert_eq!(command.message(queue).key(), Some(expected), "{queue:?}");
        }
    }
    Ok(())
}
