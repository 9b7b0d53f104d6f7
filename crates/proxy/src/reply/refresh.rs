//! The replies to `refresh` and `sub_refresh`.

use std::time::{Duration, SystemTime};

use centrifugo_api::Payload;

use super::format::{Format, check_json, seconds};
use super::reply;
use super::setters::{edit, setters, write_twins};
use crate::failure::Failure;
use crate::messages::{RefreshResult, SubRefreshResult};

/// The reply to [`RefreshEvent`](crate::RefreshEvent): how long the connection goes on. It cannot be refused with an error.
#[derive(Clone, Debug)]
#[must_use]
pub struct RefreshReply {
    info: Option<Payload>,
    meta: Option<Payload>,
    result: RefreshResult,
}

/// The reply to [`SubRefreshEvent`](crate::SubRefreshEvent): how long the subscription goes on. It cannot be refused with an
/// error.
#[derive(Clone, Debug)]
#[must_use]
pub struct SubRefreshReply {
    info: Option<Payload>,
    result: SubRefreshResult,
}

/// Adds the ways in which it can go on.
macro_rules! lifetimes {
    ($reply:ident, $result:ident, $it:literal, $($field:ident),+) => {
        impl $reply {
            #[doc = concat!("Creates the reply that the ", $it, " goes on until a time, in whole seconds.")]
            ///
            /// Centrifugo asks again then.
            pub fn until(time: SystemTime) -> Self {
                let mut result = $result::default();
                result.expire_at = seconds(time);
                Self { $($field: None,)+ result }
            }

            #[doc = concat!("Creates the reply that the ", $it, " goes on for a while, in whole seconds and at least one.")]
            ///
            /// Centrifugo asks again then.
            pub fn for_the_next(duration: Duration) -> Self {
                Self::until(SystemTime::now() + duration.max(Duration::from_secs(1)))
            }

            #[doc = concat!("Creates the reply that the ", $it, " goes on, and does not expire any more.")]
            pub fn for_ever() -> Self {
                Self { $($field: None,)+ result: $result::default() }
            }

            #[doc = concat!("Creates the reply that the ", $it, " ends.")]
            pub fn expired() -> Self {
                let mut result = $result::default();
                result.expired = true;
                Self { $($field: None,)+ result }
            }
        }
    };
}

lifetimes!(RefreshReply, RefreshResult, "connection", info, meta);
lifetimes!(SubRefreshReply, SubRefreshResult, "subscription", info);

impl RefreshReply {
    fn result(mut self, format: &Format) -> Result<Option<RefreshResult>, Failure> {
        write_twins!(format, self.info, self.result, info, b64info);
        if let Some(meta) = self.meta {
            self.result.meta = meta.into_bytes();
            check_json("meta", &self.result.meta)?;
        }
        Ok(Some(self.result))
    }
}

impl SubRefreshReply {
    fn result(mut self, format: &Format) -> Result<Option<SubRefreshResult>, Failure> {
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
