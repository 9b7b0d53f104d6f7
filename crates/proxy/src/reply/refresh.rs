//! The replies to `refresh` and `sub_refresh`.

use std::time::{Duration, SystemTime};

use centrifugo_api::Payload;

use super::format::{Format, check_always_json, seconds};
use super::reply;
use super::setters::{edit, setters, write_expire_in, write_twins};
use crate::failure::Failure;
use crate::messages::{RefreshResult, SubRefreshResult};

/// The reply to [`RefreshEvent`](crate::RefreshEvent): how long the connection goes on. It cannot be refused with an error.
///
/// There is no reply that it goes on for ever: without a time in the future, Centrifugo ends it with code 3005.
#[derive(Clone, Debug)]
#[must_use]
pub struct RefreshReply {
    info: Option<Payload>,
    meta: Option<Payload>,
    expire_in: Option<Duration>,
    result: RefreshResult,
}

/// The reply to [`SubRefreshEvent`](crate::SubRefreshEvent): how long the subscription goes on. It cannot be refused with an
/// error.
#[derive(Clone, Debug)]
#[must_use]
pub struct SubRefreshReply {
    info: Option<Payload>,
    expire_in: Option<Duration>,
    result: SubRefreshResult,
}

/// Adds the ways in which it can go on.
macro_rules! lifetimes {
    ($reply:ident, $result:ident, $it:literal, $past:literal, $($field:ident),+) => {
        impl $reply {
            #[doc = concat!("Creates the reply that the ", $it, " goes on until a time, rounded up to whole seconds.")]
            ///
            #[doc = concat!("Centrifugo asks again then. ", $past)]
            pub fn until(time: SystemTime) -> Self {
                let mut result = $result::default();
                result.expire_at = seconds(time);
                Self { $($field: None,)+ expire_in: None, result }
            }

            #[doc = concat!("Creates the reply that the ", $it, " goes on for a while, at least one second.")]
            ///
            /// Centrifugo asks again then.
            pub fn for_the_next(duration: Duration) -> Self {
                let result = $result::default();
                Self { $($field: None,)+ expire_in: Some(duration), result }
            }

            #[doc = concat!("Creates the reply that the ", $it, " ends.")]
            pub fn expired() -> Self {
                let mut result = $result::default();
                result.expired = true;
                Self { $($field: None,)+ expire_in: None, result }
            }
        }
    };
}

lifetimes!(
    RefreshReply,
    RefreshResult,
    "connection",
    "With a time in the past the connection ends with code 3005, and the client connects again. A time that is more than a \
     year ahead counts as a year.",
    info,
    meta
);
lifetimes!(
    SubRefreshReply,
    SubRefreshResult,
    "subscription",
    "With a time in the past the subscription ends with code 2501, and the client subscribes again. A time that is more than \
     a year ahead counts as a year.",
    info
);

impl RefreshReply {
    fn result(mut self, format: &Format) -> Result<Option<RefreshResult>, Failure> {
        write_expire_in!(format, self);
        write_twins!(format, self.info, self.result, info, b64info);
        if let Some(meta) = self.meta {
            self.result.meta = meta.into_bytes();
            check_always_json("meta", &self.result.meta)?;
        }
        Ok(Some(self.result))
    }
}

impl SubRefreshReply {
    /// Creates the reply that the subscription goes on, and does not expire any more.
    pub fn for_ever() -> Self {
        Self {
            info: None,
            expire_in: None,
            result: SubRefreshResult::default(),
        }
    }

    fn result(mut self, format: &Format) -> Result<Option<SubRefreshResult>, Failure> {
        write_expire_in!(format, self);
        write_twins!(format, self.info, self.result, info, b64info);
        Ok(Some(self.result))
    }
}

setters!(RefreshReply: info, meta, caps);
setters!(SubRefreshReply: info);
edit!(RefreshReply, RefreshResult);
edit!(SubRefreshReply, SubRefreshResult);
reply!(RefreshReply, RefreshRequest, RefreshResponse, Failed);
reply!(
    SubRefreshReply,
    SubRefreshRequest,
    SubRefreshResponse,
    Failed
);

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use http::{Extensions, HeaderMap};

    use super::*;
    use crate::messages::RefreshRequest;
    use crate::{Caller, Handlers, Head, Now};

    async fn expire_at(reply: fn() -> RefreshReply, extensions: Extensions) -> i64 {
        let handlers = Handlers::new(Caller::anyone()).refresh(move |_| async move { Ok(reply()) });
        let head = Head::new(HeaderMap::new(), extensions);
        let response = handlers.call(RefreshRequest::default(), head).await;
        let response = response.expect("the handler accepts");
        response.result.expect("there is a result").expire_at
    }

    #[tokio::test]
    async fn durations_count_from_time_of_caller() {
        let mut extensions = Extensions::new();
        extensions.insert(Now(UNIX_EPOCH + Duration::from_millis(1_000_900)));
        let minute = || RefreshReply::for_the_next(Duration::from_secs(60));
        assert_eq!(expire_at(minute, extensions.clone()).await, 1060);
        let shortest = || RefreshReply::for_the_next(Duration::ZERO);
        assert_eq!(expire_at(shortest, extensions.clone()).await, 1001);
        let longest = || RefreshReply::for_the_next(Duration::MAX);
        let in_2106 = i64::from(u32::MAX);
        assert_eq!(expire_at(longest, extensions.clone()).await, in_2106);
        let farthest = || RefreshReply::until(UNIX_EPOCH + Duration::from_secs(1 << 40));
        assert_eq!(expire_at(farthest, extensions.clone()).await, in_2106);
        let until = || RefreshReply::until(UNIX_EPOCH + Duration::from_secs(7));
        assert_eq!(expire_at(until, extensions).await, 7);
    }

    #[tokio::test]
    async fn durations_count_from_time_of_machine_otherwise() {
        let minute = || RefreshReply::for_the_next(Duration::from_secs(60));
        let before = seconds(SystemTime::now());
        let expires = expire_at(minute, Extensions::new()).await;
        assert!((before + 60..=before + 62).contains(&expires), "{expires}");
    }
}
