//! Requests about a user's connections, or about those of anonymous users.

use std::fmt;

/// A request that still needs a user: [`user`](Self::user) or [`anonymous`](Self::anonymous) completes it.
///
/// Centrifugo takes an empty user for the connections of anonymous users. A user that is empty by mistake would
/// therefore subscribe or unsubscribe anonymous users; the two methods keep the cases apart.
///
/// ```
/// use centrifugo_api::SubscribeRequest;
///
/// let alice = SubscribeRequest::new("news").user("alice");
/// let anonymous = SubscribeRequest::new("news").anonymous();
/// assert_eq!(alice.user, "alice");
/// assert_eq!(anonymous.user, "");
/// ```
#[must_use = "a request without a user cannot be sent: add `.user(…)` or `.anonymous()`"]
pub struct NeedsUser<R>(R);

impl<R: UserRequest> NeedsUser<R> {
    pub(crate) fn new(request: R) -> Self {
        Self(request)
    }

    /// Returns the request for the connections of that user.
    #[must_use]
    pub fn user(self, user: impl Into<String>) -> R {
        self.0.with_user(user.into())
    }

    /// Returns the request for the connections of all anonymous users, which have no user ID.
    #[must_use]
    pub fn anonymous(self) -> R {
        self.0.with_user(String::new())
    }
}

impl<R> fmt::Debug for NeedsUser<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NeedsUser")
    }
}

/// A request about the connections of a user; generated for `subscribe` and `unsubscribe`.
pub trait UserRequest: Sized {
    #[doc(hidden)]
    fn with_user(self, user: String) -> Self;
}
