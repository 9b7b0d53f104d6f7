//! The queues that Centrifugo reads.

/// A queue that Centrifugo reads, by the type of its consumer in Centrifugo's configuration.
///
/// The [module](crate::consumer) says where the parts of a message go in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConsumerType {
    /// Kafka, Redpanda and others with Kafka's protocol: `kafka`.
    Kafka,
    /// NATS JetStream: `nats_jetstream`.
    NatsJetStream,
    /// Streams of Redis: `redis_stream`.
    RedisStream,
    /// Google Cloud Pub/Sub: `google_pub_sub`.
    GooglePubSub,
    /// Amazon SQS, or a topic of Amazon SNS whose subscription has raw message delivery: `aws_sqs`.
    AwsSqs,
    /// A topic of Amazon SNS whose subscription puts messages into envelopes: `aws_sqs` with `sns_envelope`.
    ///
    /// Centrifugo reads nothing of an envelope but the message, so a command has its method in the body, and there is no
    /// publication-data mode.
    AwsSns,
    /// Azure Service Bus: `azure_service_bus`.
    AzureServiceBus,
}

impl ConsumerType {
    /// Returns the name of the header with the method of a command; `None` if the body has the method.
    pub(super) fn method_header(self) -> Option<&'static str> {
        match self {
            Self::RedisStream => Some("method"),
            Self::AwsSns => None,
            _ => Some("centrifugo-method"),
        }
    }
}
