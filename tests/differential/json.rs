//! JSON as text, with duplicate keys, odd numbers and broken strings, which `serde_json::Value`
//! cannot hold.

/// A request's body, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// Text that is written unchanged.
    Text(Vec<u8>),
    /// Keys are written between quotes without escaping.
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
}

impl Json {
    pub(crate) fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::Text(text.into())
    }

    /// Returns a string whose characters need no escapes.
    pub(crate) fn string(text: &str) -> Self {
        Self::Text(format!("\"{text}\"").into_bytes())
    }

    pub(crate) fn number(number: impl Into<i128>) -> Self {
        Self::Text(number.into().to_string().into_bytes())
    }

    pub(crate) fn bool(value: bool) -> Self {
        Self::text(value.to_string())
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => out.extend_from_slice(text),
            Self::Object(members) => {
                out.push(b'{');
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(format!("\"{key}\":").as_bytes());
                    value.write(out);
                }
                out.push(b'}');
            }
            Self::Array(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// Returns the number of values, including this one.
    pub(crate) fn size(&self) -> usize {
        1 + match self {
            Self::Text(_) => 0,
            Self::Object(members) => members.iter().map(|(_, value)| value.size()).sum(),
            Self::Array(items) => items.iter().map(Self::size).sum(),
        }
    }

    /// Returns the value with this number, counted from this one, parents first.
    pub(crate) fn nth(&mut self, index: usize) -> Option<&mut Self> {
        if index == 0 {
            return Some(self);
        }
        let mut index = index - 1;
        let children: Vec<&mut Self> = match self {
            Self::Text(_) => return None,
            Self::Object(members) => members.iter_mut().map(|(_, value)| value).collect(),
            Self::Array(items) => items.iter_mut().collect(),
        };
        for child in children {
            let size = child.size();
            if index < size {
                return child.nth(index);
            }
            index -= size;
        }
        None
    }

    /// Returns the variants that are simpler in one place.
    pub(crate) fn simpler(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for index in 0..self.size() {
            let mut copy = self.clone();
            let Some(place) = copy.nth(index) else {
                continue;
            };
            let choices = place.simpler_here();
            for choice in choices {
                let mut copy = self.clone();
                if let Some(place) = copy.nth(index) {
                    *place = choice;
                }
                found.push(copy);
            }
        }
        found
    }

    fn simpler_here(&self) -> Vec<Self> {
        match self {
            Self::Object(members) => without_one(members).into_iter().map(Self::Object).collect(),
            Self::Array(items) => without_one(items).into_iter().map(Self::Array).collect(),
            Self::Text(text) => {
                let simple = [&b"1"[..], b"\"\""];
                let simpler = simple
                    .into_iter()
                    .filter(|simple| simple.len() < text.len());
                simpler.map(|simple| Self::Text(simple.to_vec())).collect()
            }
        }
    }
}

/// Returns the lists that lack one of the items.
pub(crate) fn without_one<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    (0..items.len())
        .map(|index| [&items[..index], &items[index + 1..]].concat())
        .collect()
}

/// Creates an object: `object! { "name": JSON, ... }`.
macro_rules! object {
    ($($key:literal: $value:expr),* $(,)?) => {
        $crate::json::Json::Object(vec![$(($key.to_owned(), $value)),*])
    };
}
