//! Publications as messages.

use super::reader::{self, Publication};
use super::{QUEUES, assert_refused};
use crate::api::messages::{BroadcastRequest, PublishRequest};
use crate::api::payload::binary;
use crate::consumer::{ConsumerType, PublicationMessage};
use crate::error::Error;

/// A broadcast with every field that this mode carries.
fn full() -> BroadcastRequest {
    BroadcastRequest::new(["news", "спорт"], r#"{ "n" : 1.0 }"#)
        .idempotency_key("key-1")
        .delta(true)
        .version(u64::MAX)
        .version_epoch("epoch")
        .tags([("b", "2"), ("a", "1")])
}

/// The queues that have publication-data mode.
fn queues() -> impl Iterator<Item = ConsumerType> {
    QUEUES
        .into_iter()
        .filter(|queue| *queue != ConsumerType::AwsSns)
}

#[test]
fn every_field_has_its_header() -> Result<(), Error> {
    for queue in queues() {
        let message = PublicationMessage::new(&full())?.message(queue)?;
        let headers: Vec<_> = message.headers().collect();
        assert_eq!(
            headers,
            [
                ("centrifugo-channels", "news,спорт"),
                ("centrifugo-idempotency-key", "key-1"),
                ("centrifugo-delta", "true"),
                ("centrifugo-version", "18446744073709551615"),
                ("centrifugo-version-epoch", "epoch"),
                ("centrifugo-tag-a", "1"),
                ("centrifugo-tag-b", "2"),
            ],
            "{queue:?}"
        );
        assert_eq!(message.body(), &r#"{ "n" : 1.0 }"#, "{queue:?}");
        assert_eq!(message.key(), Some("news"), "{queue:?}");
    }
    Ok(())
}

#[test]
fn publication_is_read_as_it_was_made() -> Result<(), Error> {
    let expected = Publication {
        channels: vec!["news".to_owned(), "спорт".to_owned()],
        data: br#"{ "n" : 1.0 }"#.to_vec(),
        idempotency_key: "key-1".to_owned(),
        delta: true,
        tags: [("a", "1"), ("b", "2")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        version: u64::MAX,
        version_epoch: "epoch".to_owned(),
    };
    for queue in queues() {
        let message = PublicationMessage::new(&full())?.message(queue)?;
        assert_eq!(
            reader::publication(&message, queue).as_ref(),
            Some(&expected)
        );
    }
    Ok(())
}

#[test]
fn field_that_is_not_set_has_no_header() -> Result<(), Error> {
    let message = PublicationMessage::new(&PublishRequest::new("news", "1"))?;
    let message = message.message(ConsumerType::Kafka)?;
    let headers: Vec<_> = message.headers().collect();
    assert_eq!(headers, [("centrifugo-channels", "news")]);
    Ok(())
}

#[test]
fn binary_data_is_sent_as_its_bytes() -> Result<(), Error> {
    let request = PublishRequest::new("pixels", binary([0, 255, b'"']));
    let publication = PublicationMessage::new(&request)?;
    let message = publication.message(ConsumerType::Kafka)?;
    assert_eq!(message.body(), &[0, 255, b'"'][..]);
    assert_eq!(message.text(), None);
    Ok(())
}

#[test]
fn entry_of_redis_has_fields_of_publication_and_payload() -> Result<(), Error> {
    let publication = PublicationMessage::new(&PublishRequest::new("news", "1"))?;
    let message = publication.message(ConsumerType::RedisStream)?;
    let fields: Vec<_> = message.redis_fields().collect();
    assert_eq!(
        fields,
        [
            ("centrifugo-channels", &b"news"[..]),
            ("payload", &b"1"[..])
        ]
    );
    Ok(())
}

#[test]
fn data_that_is_not_json_is_refused() {
    let result = PublicationMessage::new(&PublishRequest::new("news", "{"));
    assert_refused(result, Some("data"), "is not JSON");
    let mut request = PublishRequest::new("news", "");
    request.b64data = "%".to_owned();
    let result = PublicationMessage::new(&request);
    assert_refused(result, Some("b64data"), "is not base64");
    request.data = "1".into();
    let result = PublicationMessage::new(&request);
    assert_refused(result, Some("data"), "is set twice");
}

#[test]
fn comma_in_channel_is_refused() {
    let result = PublicationMessage::new(&PublishRequest::new("$dialog:1,2", "1"));
    assert_refused(result, Some("channel"), "has a comma in `$dialog:1,2`");
    let request = BroadcastRequest::new(["a", "b,"], "1").idempotency_key("key");
    let result = PublicationMessage::new(&request);
    assert_refused(result, Some("channels[1]"), "has a comma in `b,`");
}

#[test]
fn channel_without_name_is_refused() {
    let request = BroadcastRequest::new(["a", ""], "1").idempotency_key("key");
    let result = PublicationMessage::new(&request);
    assert_refused(result, Some("channels[1]"), "is empty");
    let result = PublicationMessage::new(&PublishRequest::new("", "1"));
    assert_refused(result, Some("channel"), "is not set");
}

#[test]
fn field_without_header_is_refused() {
    let result = PublicationMessage::new(&PublishRequest::new("news", "1").skip_history(true));
    assert_refused(result, Some("skip_history"), "does not carry it");
}

#[test]
fn epoch_without_version_is_refused() {
    let result = PublicationMessage::new(&PublishRequest::new("news", "1").version_epoch("e"));
    assert_refused(result, Some("version_epoch"), "without `version`");
}

#[test]
fn broadcast_without_key_says_that_it_may_repeat() -> Result<(), Error> {
    let request = BroadcastRequest::new(["news", "sports"], "1");
    let result = PublicationMessage::new(&request);
    assert_refused(result, Some("idempotency_key"), "`may_repeat`");
    PublicationMessage::may_repeat(&request)?;
    Ok(())
}
