//! The options of a client in the environment of the process.

use std::ffi::OsString;

use super::options::{self, ClientOption};
use super::{ClientSettings, split_urls, value};
use crate::client::ClientBuilder;
use crate::error::Error;

/// # From the environment
impl ClientBuilder {
    /// Returns a builder with the options that the environment sets: `CENTRIFUGO_URL`, which is required,
    /// `CENTRIFUGO_API_KEY`, `CENTRIFUGO_TIMEOUT` and so on.
    ///
    /// The variables have the names of the options of [`ClientSettings`], in capitals and with `CENTRIFUGO_` in front:
    /// `CENTRIFUGO_ROOT_CERTIFICATE_FILE`, `CENTRIFUGO_API_KEY_FILE`, and `CENTRIFUGO_RETRY_MAX_ATTEMPTS` for
    /// `retry.max_attempts`. Only `headers` has none. The values are those of files without quotes; several URLs, one
    /// per node, are separated by commas; true and false may also be 1 and 0.
    ///
    /// ```sh
    /// CENTRIFUGO_URL=http://node1:8000/api,http://node2:8000/api
    /// CENTRIFUGO_API_KEY_FILE=/run/secrets/centrifugo
    /// CENTRIFUGO_TIMEOUT=3s
    /// ```
    ///
    /// ```no_run
    /// use centrifugo_api::ClientBuilder;
    ///
    /// # fn main() -> Result<(), centrifugo_api::Error> {
    /// let client = ClientBuilder::from_env()?.build()?;
    /// # Ok(()) }
    /// ```
    ///
    /// Other variables are not looked at: the variables of Centrifugo's own configuration begin with `CENTRIFUGO_` too.
    /// A server and this client may share an environment. Only `CENTRIFUGO_API_KEY` is a variable of both, up to
    /// Centrifugo v5, and means the same key; v6 reads it from `CENTRIFUGO_HTTP_API_KEY`. Centrifugo v6 logs a warning for
    /// each variable that it does not know, and starts all the same.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], which names the variable and the fix: a variable that is empty, not UTF-8 or not valid, a file
    /// that cannot be read, or no `CENTRIFUGO_URL`. [`build`](Self::build) finds whatever else is wrong, and names the
    /// option.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_lookup(&|name| std::env::var_os(name))
    }

    /// Returns a builder with the options that a function finds by the names of variables.
    pub(super) fn from_lookup(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let settings = ClientSettings {
            urls: urls(lookup)?,
            headers: Vec::new(),
            values: values(lookup)?,
        };
        settings.apply(&variable)
    }
}

/// Returns the name of the variable that sets an option.
pub(super) fn variable(option: &str) -> String {
    format!(
        "CENTRIFUGO_{}",
        option.replace('.', "_").to_ascii_uppercase()
    )
}

fn urls(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Vec<String>, Error> {
    const EXAMPLE: &str = "set it to the URL of the server, such as http://localhost:8000/api or grpc://localhost:10000";
    let Some(text) = text(lookup, "url")? else {
        return Err(of_variable("url", &format!(" is not set: {EXAMPLE}")));
    };
    if text.is_empty() {
        return Err(of_variable("url", &format!(" is empty: {EXAMPLE}")));
    }
    let checked = value::check_text(&text).and_then(|()| split_urls(&text));
    checked.map_err(|problem| of_variable("url", &problem))
}

fn values(
    lookup: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Vec<(&'static ClientOption, value::Value)>, Error> {
    let mut values = Vec::new();
    for option in options::all() {
        if let Some(text) = text(lookup, option.name)? {
            let value = option.parse(&text);
            values.push((
                option,
                value.map_err(|problem| of_variable(option.name, &problem))?,
            ));
        }
    }
    Ok(values)
}

/// Returns the text of the variable that sets an option.
fn text(lookup: &dyn Fn(&str) -> Option<OsString>, option: &str) -> Result<Option<String>, Error> {
    let text = lookup(&variable(option)).map(OsString::into_string);
    // The text itself is not shown: it may be the key.
    text.transpose()
        .map_err(|_| of_variable(option, " is not UTF-8: set it to valid text"))
}

/// Returns the error of the variable that sets an option.
fn of_variable(option: &str, problem: &str) -> Error {
    Error::Config(format!("{}{problem}", variable(option)))
}
