//! Keys of maps.

use std::time::Duration;

use centrifugo_api::{MapPublishRequest, MapRemoveRequest, StreamPosition};

use super::call::Call;
use super::fields::{Fields, bigint, check_text};
use super::functions::Functions;
use crate::error::Error;
use crate::statement::Statement;

/// The SQL functions `cf_map_…` of Centrifugo's PostgreSQL map broker, which set and remove keys of maps within a
/// transaction, with the options of a namespace.
///
/// Centrifugo creates the functions when it starts with `map_broker.type` `postgres`. They know nothing of its namespaces:
/// whatever of a namespace's options matters is set here again. Have one constant per namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapBroker<'a> {
    functions: Functions<'a>,
    key_ttl: Option<Duration>,
    meta_ttl: Option<Duration>,
    idempotency_ttl: Option<Duration>,
}

impl<'a> MapBroker<'a> {
    /// Creates a broker from Centrifugo's `map_broker.postgres.table_prefix`, which is `cf` by default.
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
        Self {
            functions,
            key_ttl: None,
            meta_ttl: None,
            idempotency_ttl: None,
        }
    }

    /// Uses the functions `cf_binary_map_…`, which take any bytes: for a broker with `binary_data`.
    #[must_use]
    pub const fn binary(mut self) -> Self {
        self.functions.is_binary = true;
        self
    }

    /// Sets `map.key_ttl` of the namespace: the modes `ephemeral` and `recoverable` have it. Without it keys do not expire,
    /// as in the mode `persistent`.
    #[must_use]
    pub const fn key_ttl(mut self, ttl: Duration) -> Self {
        self.key_ttl = Some(ttl);
        self
    }

    /// Sets `map.meta_ttl` of the namespace: when a map that nobody changes gets a new epoch, and loses its keys.
    ///
    /// By default it is what Centrifugo takes for keys that expire: 10 minutes, or longer if the keys live longer.
    #[must_use]
    pub const fn meta_ttl(mut self, ttl: Duration) -> Self {
        self.meta_ttl = Some(ttl);
        self
    }

    /// Sets how long idempotency keys are kept, which is 5 minutes by default.
    #[must_use]
    pub const fn idempotency_ttl(mut self, ttl: Duration) -> Self {
        self.idempotency_ttl = Some(ttl);
        self
    }

    fn function(&self, name: &str) -> String {
        self.functions.name("map", name)
    }

    /// Returns how long the epoch of a map outlives its last change.
    fn effective_meta_ttl(&self) -> Result<Option<Duration>, Error> {
        /// Ten times Centrifugo's default of `map.stream_ttl`.
        const DEFAULT: Duration = Duration::from_secs(600);
        let Some(key_ttl) = self.key_ttl else {
            return match self.meta_ttl {
                Some(_) => Err(Error::field(
                    "meta_ttl",
                    "is not possible for keys that do not expire: set key_ttl too",
                )),
                None => Ok(None),
            };
        };
        let meta_ttl = self.meta_ttl.unwrap_or(DEFAULT.max(key_ttl));
        if meta_ttl < key_ttl {
            return Err(Error::field(
                "meta_ttl",
                "must be as long as key_ttl, or longer",
            ));
        }
        Ok(Some(meta_ttl))
    }

    /// Returns the columns of a result: the offset, the epoch, whether the change was suppressed, the reason, and the value
    /// and the offset of a key that is not at the expected position.
    fn columns(&self) -> String {
        let data = if self.functions.is_binary {
            "current_data"
        } else {
            "convert_to(current_data::text, 'UTF8')"
        };
        format!("channel_offset, epoch, suppressed, suppress_reason, {data}, current_offset")
    }

    /// Returns the statement that sets a key; with a position, only if the key was last set there. Its columns are the
    /// offset, the epoch, whether the change was suppressed, the reason, and the value and the offset of a key that is not
    /// at the position.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] and [`Error::Field`], as for [`publish`](Self::publish).
    pub fn publish_statement(
        &self,
        request: &MapPublishRequest,
        expected: Option<&StreamPosition>,
    ) -> Result<Statement<'static>, Error> {
        const PRO: &str =
            "is for Centrifugo PRO, and the SQL function does not take it: leave it out";
        let mut fields = Fields::of(request)?;
        for field in ["stream_data", "b64stream_data", "score"] {
            fields.refuse(field, PRO)?;
        }
        let mut call = Call::default();
        call.text("p_channel", fields.text("channel")?);
        call.text("p_key", fields.text("key")?);
        if self.functions.is_binary {
            call.bytea("p_data", fields.bytes()?);
        } else {
            call.jsonb("p_data", fields.data()?);
        }
        call.jsonb("p_tags", fields.jsonb("tags")?);
        call.interval("p_key_ttl", self.key_ttl);
        call.interval("p_meta_ttl", self.effective_meta_ttl()?);
        call.text("p_key_mode", key_mode(&mut fields)?);
        expect(&mut call, expected)?;
        call.bigint("p_key_version", fields.number("version")?);
        call.text("p_key_version_epoch", fields.text("version_epoch")?);
        call.text("p_idempotency_key", fields.text("idempotency_key")?);
        call.interval("p_idempotency_ttl", self.idempotency_ttl);
        call.boolean("p_use_delta", fields.flag("delta")?);
        fields.finish()?;
        Ok(call.select(&self.columns(), &self.function("publish")))
    }

    /// Returns the statement that removes a key; with a position, only if the key was last set there. Its columns are those
    /// of [`publish_statement`](Self::publish_statement).
    ///
    /// # Errors
    ///
    /// [`Error::Request`] and [`Error::Field`], as for [`remove`](Self::remove).
    pub fn remove_statement(
        &self,
        request: &MapRemoveRequest,
        expected: Option<&StreamPosition>,
    ) -> Result<Statement<'static>, Error> {
        let mut fields = Fields::of(request)?;
        let mut call = Call::default();
        call.text("p_channel", fields.text("channel")?);
        call.text("p_key", fields.text("key")?);
        call.interval("p_meta_ttl", self.effective_meta_ttl()?);
        expect(&mut call, expected)?;
        call.text("p_idempotency_key", fields.text("idempotency_key")?);
        call.interval("p_idempotency_ttl", self.idempotency_ttl);
        fields.finish()?;
        Ok(call.select(&self.columns(), &self.function("remove")))
    }
}

/// Returns the mode of a request. The SQL function takes any other one for none.
fn key_mode(fields: &mut Fields) -> Result<Option<String>, Error> {
    let mode = fields.text("key_mode")?;
    match mode.as_deref() {
        None | Some("if_new" | "if_exists") => Ok(mode),
        Some(_) => Err(Error::field(
            "key_mode",
            "must be `if_new` or `if_exists`, or left out",
        )),
    }
}

fn expect(call: &mut Call, expected: Option<&StreamPosition>) -> Result<(), Error> {
    let offset = expected
        .map(|position| bigint("offset", position.offset))
        .transpose()?;
    let epoch = expected.map(|position| position.epoch.clone());
    let epoch = epoch.filter(|epoch| !epoch.is_empty());
    check_text("epoch", epoch.as_deref().unwrap_or_default())?;
    call.bigint("p_expected_offset", offset);
    call.text("p_expected_epoch", epoch);
    Ok(())
}
