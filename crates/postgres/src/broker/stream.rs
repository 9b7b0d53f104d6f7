//! Publications in channels with a stream.

use std::time::Duration;

use centrifugo_api::{HistoryRemoveRequest, PublishRequest};

use super::call::Call;
use super::fields::{Fields, check_text};
use super::functions::Functions;
use crate::error::Error;
use crate::statement::Statement;

/// The SQL functions `cf_stream_…` of Centrifugo's PostgreSQL broker, which publish within a transaction, with the options
/// of a namespace.
///
/// Centrifugo creates the functions when it starts with `broker.type` `postgres`. They know nothing of its namespaces:
/// whatever of a namespace's options matters is set here again. Have one constant per namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamBroker<'a> {
    functions: Functions<'a>,
    history: Option<(u32, Duration)>,
    meta_ttl: Duration,
    idempotency_ttl: Option<Duration>,
}

impl<'a> StreamBroker<'a> {
    /// Creates a broker from Centrifugo's `broker.postgres.table_prefix`, which is `cf` by default.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] if SQL would take the prefix only in quotes: Centrifugo writes it into statements as it is.
    pub fn new(prefix: &'a str) -> Result<Self, Error> {
        Functions::new(prefix).map(Self::of)
    }

    /// Creates a broker for a constant, where the compiler checks the prefix.
    ///
    /// # Panics
    ///
    /// Panics outside a constant if the prefix is invalid: use [`new`](Self::new) there.
    #[must_use]
    pub const fn constant(prefix: &'a str) -> Self {
        Self::of(Functions::constant(prefix))
    }

    const fn of(functions: Functions<'a>) -> Self {
        /// Centrifugo's own default, 30 days.
        const META_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);
        Self {
            functions,
            history: None,
            meta_ttl: META_TTL,
            idempotency_ttl: None,
        }
    }

    /// Uses the functions `cf_binary_stream_…`, which take any bytes: for a broker with `binary_data`.
    #[must_use]
    pub const fn binary(mut self) -> Self {
        self.functions.is_binary = true;
        self
    }

    /// Sets `history_size` and `history_ttl` of the namespace.
    ///
    /// Without it, the channel keeps what its last publication set; at first 100 publications for one minute.
    #[must_use]
    pub const fn history(mut self, size: u32, ttl: Duration) -> Self {
        self.history = Some((size, ttl));
        self
    }

    /// Sets `history_meta_ttl` of the namespace or of Centrifugo, which is 30 days by default: when a channel without
    /// publications gets a new epoch.
    #[must_use]
    pub const fn meta_ttl(mut self, ttl: Duration) -> Self {
        self.meta_ttl = ttl;
        self
    }

    /// Sets how long idempotency keys are kept, which is 5 minutes by default.
    #[must_use]
    pub const fn idempotency_ttl(mut self, ttl: Duration) -> Self {
        self.idempotency_ttl = Some(ttl);
        self
    }

    fn function(&self, name: &str) -> String {
        self.functions.name("stream", name)
    }

    /// Returns the statement that publishes. Its columns are the offset, the epoch, whether the publication was suppressed,
    /// and the reason.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] and [`Error::Field`], as for [`publish`](Self::publish).
    pub fn publish_statement(&self, request: &PublishRequest) -> Result<Statement<'static>, Error> {
        let mut fields = Fields::of(request)?;
        fields.refuse(
            "skip_history",
            "is not possible with Centrifugo's PostgreSQL broker, whose history has every publication: leave it out",
        )?;
        let mut call = Call::default();
        call.text("p_channel", fields.text("channel")?);
        if self.functions.is_binary {
            call.bytea("p_data", fields.bytes()?);
        } else {
            let data = fields.data()?;
            if data.is_none() {
                return Err(Error::field(
                    "data",
                    "is not set, and Centrifugo requires it",
                ));
            }
            call.jsonb("p_data", data);
        }
        call.jsonb("p_tags", fields.jsonb("tags")?);
        let (size, ttl) = self.history.unzip();
        let size = size.map(|size| i32::try_from(size).unwrap_or(i32::MAX));
        call.interval("p_history_ttl", ttl);
        call.integer("p_history_size", size);
        call.interval("p_meta_ttl", Some(self.meta_ttl));
        call.bigint("p_version", fields.number("version")?);
        call.text("p_version_epoch", fields.text("version_epoch")?);
        call.text("p_idempotency_key", fields.text("idempotency_key")?);
        call.interval("p_idempotency_ttl", self.idempotency_ttl);
        call.boolean("p_use_delta", fields.flag("delta")?);
        fields.finish()?;
        let columns = "out_channel_offset, out_epoch, out_suppressed, out_suppress_reason, NULL::bytea, NULL::bigint";
        Ok(call.select(columns, &self.function("publish")))
    }

    /// Returns the statement that removes the history of a channel.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] and [`Error::Field`].
    pub fn history_remove_statement(
        &self,
        request: &HistoryRemoveRequest,
    ) -> Result<Statement<'static>, Error> {
        let mut fields = Fields::of(request)?;
        let mut call = Call::default();
        call.text("p_channel", fields.text("channel")?);
        fields.finish()?;
        Ok(call.select("1", &self.function("remove_history")))
    }

    /// Returns the query for the position of a channel: offset and epoch.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] if the channel has a zero byte.
    pub fn position_statement(&self, channel: &str) -> Result<Statement<'static>, Error> {
        check_text("channel", channel)?;
        let mut call = Call::default();
        call.text("p_channel", Some(channel.to_owned()));
        let columns = "out_top_offset, out_epoch";
        Ok(call.select(columns, &self.function("top_position")))
    }
}
