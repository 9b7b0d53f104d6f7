//! Reads settings with serde. Written by hand, so that the crate needs no derive of serde's, and so that errors show no
//! key: serde's own show a value of the wrong type.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::ClientSettings;
use super::lists::{Headers, Urls};
use super::options::{self, ClientOption, Set};
use super::value::{self, Value};

impl<'de> Deserialize<'de> for ClientSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut found = Found::default();
        // A request for a map would make some formats show a text in its place.
        deserializer.deserialize_any(Table {
            prefix: "",
            found: &mut found,
        })?;
        Ok(Self {
            urls: found.urls.ok_or_else(|| {
                D::Error::custom("missing field `url`: set it to the URL of the server")
            })?,
            headers: found.headers.unwrap_or_default(),
            values: found.values,
        })
    }
}

/// The settings that were read so far.
#[derive(Default)]
struct Found {
    urls: Option<Vec<String>>,
    headers: Option<Vec<(String, String)>>,
    values: Vec<(&'static ClientOption, Value)>,
    /// The names that were read, those without a value included.
    names: Vec<String>,
}

/// The reader of a table, whose options begin with the prefix: empty, or `retry.`.
struct Table<'a> {
    prefix: &'static str,
    found: &'a mut Found,
}

impl<'de> Visitor<'de> for Table<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix.strip_suffix('.') {
            Some(table) => write!(formatter, "a table of options for {table}"),
            None => formatter.write_str("a table of options of the client"),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    /// Refuses a text, which serde's own error would show: it may be the key.
    fn visit_str<E: Error>(self, _text: &str) -> Result<(), E> {
        let table = self.prefix.trim_end_matches('.');
        Err(E::custom(format!(
            "text stands where the table of options{} should be: write a table",
            if table.is_empty() {
                String::new()
            } else {
                format!(" {table}")
            }
        )))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { prefix, found } = self;
        while let Some(name) = map.next_key_seed(Name { prefix })? {
            if found.names.contains(&name) {
                return Err(A::Error::custom(format!(
                    "{name} is set twice: leave one out"
                )));
            }
            match name.as_str() {
                "url" => found.urls = map.next_value_seed(OrNull(Urls))?,
                "headers" => found.headers = map.next_value_seed(OrNull(Headers))?,
                "retry" => map.next_value_seed(Retry(found))?,
                _ => {
                    let option = options::find(&name).ok_or_else(|| unknown(&name, prefix))?;
                    let value = map.next_value_seed(OrNull(option))?;
                    found.values.extend(value.map(|value| (option, value)));
                }
            }
            found.names.push(name);
        }
        Ok(())
    }
}

/// The reader of an option's name with its prefix. It refuses one that does not exist, so that formats with places show that
/// of the name.
struct Name {
    prefix: &'static str,
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of an option")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        let name = format!("{}{key}", self.prefix);
        let is_table = self.prefix.is_empty() && TABLES.contains(&key);
        let is_option = options::find(&name).is_some() && !key.contains('.');
        if is_table || is_option {
            Ok(name)
        } else {
            Err(unknown(&name, self.prefix))
        }
    }
}

/// The options that are not in the table of options.
const TABLES: [&str; 3] = ["url", "headers", "retry"];

/// Returns the error of an option that does not exist in a table.
fn unknown<E: Error>(name: &str, prefix: &str) -> E {
    let names = options::all().map(|option| option.name);
    let mut known: Vec<&str> = if prefix.is_empty() {
        let outside = names.filter(|name| !name.contains('.'));
        outside.chain(TABLES).collect()
    } else {
        names.filter_map(|name| name.strip_prefix(prefix)).collect()
    };
    known.sort_unstable();
    E::custom(format!(
        "unknown option {name}: remove it, or use one of {}",
        known.join(", ")
    ))
}

/// The reader of the table `retry`.
struct Retry<'a>(&'a mut Found);

impl<'de> DeserializeSeed<'de> for Retry<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(Table {
            prefix: "retry.",
            found: self.0,
        })
    }
}

/// The reader of something that may be null, which means that it is left out.
struct OrNull<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for OrNull<S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for OrNull<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}

impl<'de> DeserializeSeed<'de> for &'static ClientOption {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        // A request for one type would make some formats show a value of another one.
        match self.set {
            Set::Off(needed) => Err(wrong(self, &value::off(needed))),
            _ => deserializer.deserialize_any(Scalar(self)),
        }
    }
}

/// Returns the error of an option's value; the problem follows the name.
fn wrong<E: Error>(option: &ClientOption, problem: &str) -> E {
    E::custom(format!("{}{problem}", option.name))
}

/// The reader of an option's value. Its errors do not show the value of a text, which may be the key.
struct Scalar(&'static ClientOption);

impl Scalar {
    /// Returns the error of a value of another kind.
    fn other_kind<E: Error>(&self) -> E {
        let expected = match self.0.set {
            Set::Text(_) => "text: put it in quotes",
            Set::File(_) => "the path of a file, as text: put it in quotes",
            Set::Time(_) => {
                "a time, as text with a unit: write it as \"10s\", \"1.5s\", \"500ms\" or \"2m\""
            }
            Set::Number(_) => "a whole number, not negative: write it in digits",
            Set::Switch(_) => "true or false: write one of them",
            Set::Off(_) => "another feature",
        };
        wrong(self.0, &format!(" must be {expected}"))
    }
}

impl Visitor<'_> for Scalar {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = match self.0.set {
            Set::Text(_) | Set::File(_) => "text",
            Set::Time(_) => "a time such as \"10s\"",
            Set::Number(_) => "a whole number",
            Set::Switch(_) | Set::Off(_) => "true or false",
        };
        write!(formatter, "{expected} for {}", self.0.name)
    }

    fn visit_bool<E: Error>(self, is_set: bool) -> Result<Value, E> {
        match self.0.set {
            Set::Switch(_) => Ok(Value::Switch(is_set)),
            _ => Err(self.other_kind()),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        match self.0.set {
            Set::Number(_) => {
                let number = self.0.number(number);
                number.map_err(|problem| wrong(self.0, &problem))
            }
            _ => Err(self.other_kind()),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(self.other_kind()),
        }
    }

    fn visit_f64<E: Error>(self, _number: f64) -> Result<Value, E> {
        Err(self.other_kind())
    }

    /// Reads a text as a variable of the environment is read: there are formats in which all values are texts.
    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        let value = self.0.parse(text);
        value.map_err(|problem| wrong(self.0, &problem))
    }
}
