//! The fields of a request, each of which becomes a parameter or an error.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use centrifugo_api::Method;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::jsonb;

/// The fields of a request that are set. Each is taken once; those that are left are an error.
///
/// They are read from the JSON of the request, so that no field of another schema is lost.
pub(super) struct Fields(BTreeMap<String, Box<RawValue>>);

impl Fields {
    pub(super) fn of<M: Method>(request: &M) -> Result<Self, Error> {
        request
            .check()
            .map_err(centrifugo_api::Error::InvalidRequest)?;
        let json = serde_json::to_string(request).map_err(|error| {
            let problem = format!("is not JSON ({error}): make JSON with json(&value), or send other bytes with binary(bytes)");
            Error::field("data", problem)
        })?;
        let fields = serde_json::from_str(&json);
        fields
            .map(Self)
            .map_err(|error| Error::field(M::NAME, error.to_string()))
    }

    /// Returns the JSON of a field.
    fn take(&mut self, name: &str) -> Option<String> {
        let value = self.0.remove(name)?;
        Some(value.get().to_owned())
    }

    /// Returns a text.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        let Some(text) = self.read::<String>(name)? else {
            return Ok(None);
        };
        check_text(name, &text)?;
        Ok(Some(text))
    }

    /// Returns a number.
    pub(super) fn number(&mut self, name: &str) -> Result<Option<i64>, Error> {
        let Some(number) = self.read::<u64>(name)? else {
            return Ok(None);
        };
        bigint(name, number).map(Some)
    }

    /// Returns a flag.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Error> {
        let flag = self.read(name)?;
        Ok(flag.unwrap_or_default())
    }

    fn read<T: serde::de::DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Error> {
        let Some(json) = self.take(name) else {
            return Ok(None);
        };
        let value = serde_json::from_str(&json);
        value
            .map(Some)
            .map_err(|error| Error::field(name, error.to_string()))
    }

    /// Returns JSON for a column of the type JSONB.
    pub(super) fn jsonb(&mut self, name: &str) -> Result<Option<String>, Error> {
        let json = self.take(name);
        if let Some(json) = &json {
            jsonb::check(json).map_err(|problem| Error::field(name, problem))?;
        }
        Ok(json)
    }

    /// Returns the payload as bytes, whether it is JSON or base64.
    pub(super) fn bytes(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let json = self.take("data");
        let Some(base64) = self.read::<String>("b64data")? else {
            return Ok(json.map(String::into_bytes));
        };
        let bytes = STANDARD.decode(base64);
        bytes
            .map(Some)
            .map_err(|error| Error::field("b64data", format!("is not base64: {error}")))
    }

    /// Returns the payload as JSON for a column of the type JSONB.
    pub(super) fn data(&mut self) -> Result<Option<String>, Error> {
        const NOT_JSON: &str = "is not JSON, which JSONB needs: let Centrifugo's broker have `binary_data`, and use binary()";
        let Some(bytes) = self.bytes()? else {
            return Ok(None);
        };
        let json = String::from_utf8(bytes).map_err(|_| Error::field("data", NOT_JSON))?;
        serde_json::from_str::<&RawValue>(&json).map_err(|_| Error::field("data", NOT_JSON))?;
        jsonb::check(&json).map_err(|problem| Error::field("data", problem))?;
        Ok(Some(json))
    }

    /// Checks that a field is not set.
    pub(super) fn refuse(&mut self, name: &str, problem: &'static str) -> Result<(), Error> {
        match self.take(name) {
            Some(_) => Err(Error::field(name, problem)),
            None => Ok(()),
        }
    }

    /// Checks that no field is left.
    pub(super) fn finish(self) -> Result<(), Error> {
        match self.0.into_keys().next() {
            Some(name) => Err(Error::field(
                name,
                "is nothing that Centrifugo's SQL function takes: leave it out, or call the server API",
            )),
            None => Ok(()),
        }
    }
}

/// Checks that PostgreSQL can have a text.
pub(super) fn check_text(name: &str, text: &str) -> Result<(), Error> {
    if text.contains('\0') {
        let problem = "has a zero byte, which no text of PostgreSQL can have: leave it out";
        return Err(Error::field(name, problem));
    }
    Ok(())
}

/// Returns a number as a `bigint`.
pub(super) fn bigint(name: &str, number: u64) -> Result<i64, Error> {
    let problem =
        "is above 9223372036854775807, the greatest `bigint` of PostgreSQL: use a lower number";
    i64::try_from(number).map_err(|_| Error::field(name, problem))
}

#[cfg(test)]
mod tests {
    use centrifugo_api::PublishRequest;

    use super::*;

    #[test]
    fn field_that_nobody_took_is_an_error() -> Result<(), Error> {
        let request = PublishRequest::new("news", "1").delta(true);
        let mut fields = Fields::of(&request)?;
        assert_eq!(fields.text("channel")?.as_deref(), Some("news"));
        assert_eq!(fields.data()?.as_deref(), Some("1"));
        assert_eq!(fields.text("version_epoch")?, None);
        let left = fields.finish();
        assert!(matches!(&left, Err(Error::Field { field, .. }) if field == "delta"));
        Ok(())
    }
}
