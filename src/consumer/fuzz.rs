//! Fuzzes the messages of queues.

use super::tests::QUEUES;
use super::tests::reader::{self, Publication};
use super::{ConsumerCommand, PublicationMessage};
use crate::api::messages::BroadcastRequest;
use crate::api::payload::binary;
use crate::fuzz::{assert_bounded, fuzz};

fuzz!(consumer_messages, check);

/// Checks that Centrifugo reads what a message was made of, or that the message is refused.
fn check(input: &[u8]) {
    let request = request(input);
    for queue in QUEUES {
        match PublicationMessage::new(&request).and_then(|message| message.message(queue)) {
            Ok(message) => {
                let read = reader::publication(&message, queue);
                assert_eq!(read, Some(publication(&request, input)), "{queue:?}");
            }
            Err(error) => assert_bounded(&error),
        }
        if let Ok(command) = ConsumerCommand::new(&request) {
            let (method, read) = reader::command(&command.message(queue), queue);
            assert_eq!(method, "broadcast", "{queue:?}");
            let read: BroadcastRequest = serde_json::from_slice(&read).expect("it is a broadcast");
            assert_eq!(read, request, "{queue:?}");
        }
    }
}

/// Returns a broadcast whose texts are the lines of the input, and whose data is the input.
fn request(input: &[u8]) -> BroadcastRequest {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.split('\u{1f}');
    let mut next = || lines.next().unwrap_or_default().to_owned();
    let key = next();
    let epoch = next();
    let tag = (next(), next());
    BroadcastRequest::new(lines, binary(input))
        .idempotency_key(key)
        .version(input.len() as u64)
        .version_epoch(epoch)
        .delta(input.len().is_multiple_of(2))
        .tags([tag])
}

/// Returns the publication that a broadcast means.
fn publication(request: &BroadcastRequest, data: &[u8]) -> Publication {
    Publication {
        channels: request.channels.clone(),
        data: data.to_vec(),
        idempotency_key: request.idempotency_key.clone(),
        delta: request.delta,
        tags: request.tags.clone().into_iter().collect(),
        version: request.version,
        version_epoch: request.version_epoch.clone(),
    }
}
