//! The limits of queues on what messages carry.
//!
//! They are those of the queues' documentation, for what a queue or its clients would refuse, change or drop. Sizes of
//! whole messages are not among them: they depend on the queue's configuration, and a message that is too large is
//! refused when it is sent.

use super::consumer_type::ConsumerType;
use super::partition::crc32;

/// The limits of a queue.
pub(super) struct Limits {
    /// The queue, in the text of errors.
    pub(super) queue: &'static str,
    pub(super) max_headers: usize,
    pub(super) header_name: Texts,
    pub(super) header_value: Texts,
    pub(super) key: Texts,
    /// The bodies that the queue takes if it does not take any bytes.
    pub(super) body: Option<Texts>,
}

/// The texts that a queue takes in one place.
pub(super) struct Texts {
    /// The rule, as the end of a sentence about one of them.
    pub(super) description: &'static str,
    pub(super) include: fn(&str) -> bool,
}

const ANY: Texts = Texts {
    description: "is any text",
    include: |_| true,
};

const UNLIMITED: Limits = Limits {
    queue: "",
    max_headers: usize::MAX,
    header_name: ANY,
    header_value: ANY,
    key: ANY,
    body: None,
};

const KAFKA: Limits = Limits {
    queue: "Kafka",
    ..UNLIMITED
};

const NATS_JETSTREAM: Limits = Limits {
    queue: "NATS JetStream",
    header_name: Texts {
        description: "is printable ASCII without spaces and `:`",
        include: |text| {
            text.bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b':')
        },
    },
    // Clients trim values, and end them at the end of a line.
    header_value: Texts {
        description: "is one line without spaces at its start and end",
        include: |text| {
            let is_blank = |c| c == ' ' || c == '\t';
            !text.contains(['\r', '\n']) && text.trim_matches(is_blank) == text
        },
    },
    ..UNLIMITED
};

const REDIS_STREAM: Limits = Limits {
    queue: "Redis",
    ..UNLIMITED
};

const GOOGLE_PUB_SUB: Limits = Limits {
    queue: "Google Pub/Sub",
    max_headers: 100,
    header_name: Texts {
        description: "is at most 256 bytes long",
        include: |text| text.len() <= 256,
    },
    header_value: Texts {
        description: "is at most 1,024 bytes long",
        include: |text| text.len() <= 1024,
    },
    key: Texts {
        description: "is at most 1,024 bytes long",
        include: |text| text.len() <= 1024,
    },
    ..UNLIMITED
};

const AWS_SQS: Limits = Limits {
    queue: "Amazon SQS",
    max_headers: 10,
    header_name: Texts {
        description: "is at most 256 ASCII letters, digits, `_`, `-` and `.`, without `..` and without `.` at its end",
        include: is_sqs_name,
    },
    header_value: Texts {
        description: "has only characters that XML allows, and at least one",
        include: is_sqs_text,
    },
    key: Texts {
        description: "is at most 128 characters of printable ASCII without spaces",
        include: |text| text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic()),
    },
    body: Some(Texts {
        description: "has only characters that XML allows, and at least one",
        include: is_sqs_text,
    }),
};

const AWS_SNS: Limits = Limits {
    queue: "Amazon SNS",
    ..AWS_SQS
};

const AZURE_SERVICE_BUS: Limits = Limits {
    queue: "Azure Service Bus",
    header_value: Texts {
        description: "is at most 32 KiB long",
        include: |text| text.len() <= 32 * 1024,
    },
    key: Texts {
        description: "is at most 128 characters long",
        include: |text| text.chars().count() <= 128,
    },
    ..UNLIMITED
};

fn is_sqs_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    text.len() <= 256
        && text.bytes().all(is_allowed)
        && !text.contains("..")
        && !text.ends_with('.')
}

/// Returns whether a text is not empty and has only characters of XML 1.0.
fn is_sqs_text(text: &str) -> bool {
    let is_allowed = |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    !text.is_empty() && text.chars().all(is_allowed)
}

impl ConsumerType {
    pub(super) fn limits(self) -> &'static Limits {
        match self {
            Self::Kafka => &KAFKA,
            Self::NatsJetStream => &NATS_JETSTREAM,
            Self::RedisStream => &REDIS_STREAM,
            Self::GooglePubSub => &GOOGLE_PUB_SUB,
            Self::AwsSqs => &AWS_SQS,
            Self::AwsSns => &AWS_SNS,
            Self::AzureServiceBus => &AZURE_SERVICE_BUS,
        }
    }
}

impl Limits {
    /// Returns the key of messages that are about a channel or a user, or `None` if the name is empty.
    ///
    /// Nothing reads a key, so a name that cannot be one is replaced: its messages still share a key.
    pub(super) fn key(&self, name: &str) -> Option<String> {
        if name.is_empty() {
            return None;
        }
        if (self.key.include)(name) {
            return Some(name.to_owned());
        }
        let replacement = format!("crc32-{:08x}", crc32(name.as_bytes()));
        Some(replacement)
    }
}
