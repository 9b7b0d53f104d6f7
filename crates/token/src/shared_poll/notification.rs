//! The notification of changed keys.

use serde_json::json;

/// The message that tells Centrifugo PRO of keys whose data has changed, so that it polls for them at once.
///
/// Publish it to the channel [`CHANNEL`](Self::CHANNEL) of the Redis or NATS of Centrifugo. It follows the documentation of
/// Centrifugo PRO; it could not be tested.
///
/// ```
/// use centrifugo_token::SharedPollNotification;
///
/// let message = SharedPollNotification::new().channel("poll:prices", ["AAPL", "GOOG"]).to_json();
/// assert_eq!(
///     message,
///     r#"{"items":[{"channel":"poll:prices","key":"AAPL"},{"channel":"poll:prices","key":"GOOG"}]}"#,
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "publish it"]
pub struct SharedPollNotification(Vec<(String, String)>);

impl SharedPollNotification {
    /// The channel of Redis or NATS.
    pub const CHANNEL: &str = "shared_poll_notify";

    /// Creates a message without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds keys of a channel of Centrifugo.
    pub fn channel(
        mut self,
        channel: impl Into<String>,
        keys: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let channel = channel.into();
        let items = keys.into_iter().map(|key| (channel.clone(), key.into()));
        self.0.extend(items);
        self
    }

    /// Returns the message.
    #[must_use]
    pub fn to_json(&self) -> String {
        let items = self.0.iter();
        let items: Vec<_> = items
            .map(|(channel, key)| json!({ "channel": channel, "key": key }))
            .collect();
        json!({ "items": items }).to_string()
    }
}
