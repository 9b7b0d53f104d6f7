//! Reads the URLs and the headers of settings.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{split_urls, value};

/// The reader of the URLs: one text, or a list.
pub(super) struct Urls;

impl<'de> DeserializeSeed<'de> for Urls {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Urls {
    type Value = Vec<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a URL or a list of URLs for url")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let urls = value::check_text(text).and_then(|()| split_urls(text));
        urls.map_err(|problem| E::custom(format!("url{problem}")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut urls = Vec::new();
        while let Some(url) = list.next_element_seed(OneUrl)? {
            let checked = value::check_text(&url);
            checked.map_err(|problem| A::Error::custom(format!("url: an element{problem}")))?;
            urls.push(url);
        }
        if urls.is_empty() {
            return Err(A::Error::custom(
                "url is an empty list: add the URL of the server",
            ));
        }
        Ok(urls)
    }
}

/// The reader of a URL in a list.
struct OneUrl;

impl<'de> DeserializeSeed<'de> for OneUrl {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for OneUrl {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a URL in the list url, as text")
    }

    fn visit_str<E: Error>(self, url: &str) -> Result<String, E> {
        Ok(url.to_owned())
    }
}

/// The reader of the headers.
pub(super) struct Headers;

impl<'de> DeserializeSeed<'de> for Headers {
    type Value = Vec<(String, String)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Headers {
    type Value = Vec<(String, String)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a table of names and values for headers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut headers = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(HeaderValue(&name))?;
            headers.push((name, value));
        }
        Ok(headers)
    }
}

/// The reader of a header's value, which errors do not show.
struct HeaderValue<'a>(&'a str);

impl HeaderValue<'_> {
    fn not_text<E: Error>(&self) -> E {
        E::custom(format!(
            "headers: the value of `{}` must be text: put it in quotes",
            self.0
        ))
    }
}

impl<'de> DeserializeSeed<'de> for HeaderValue<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        // As for options.
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for HeaderValue<'_> {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "text for the header `{}`", self.0)
    }

    fn visit_bool<E: Error>(self, _value: bool) -> Result<String, E> {
        Err(self.not_text())
    }

    fn visit_u64<E: Error>(self, _value: u64) -> Result<String, E> {
        Err(self.not_text())
    }

    fn visit_i64<E: Error>(self, _value: i64) -> Result<String, E> {
        Err(self.not_text())
    }

    fn visit_f64<E: Error>(self, _value: f64) -> Result<String, E> {
        Err(self.not_text())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}
