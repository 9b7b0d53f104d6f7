//! Bodies of HTTP replies, compared byte for byte except for values that each server generates.

use crate::id_mapping::{IdMapping, replace};

/// Values that later steps can refer to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) epoch: String,
    pub(crate) offset: u64,
    pub(crate) cursor: String,
}

/// Members that hold payloads, which are kept unchanged.
const PAYLOADS: [&[u8]; 3] = [b"data", b"conn_info", b"chan_info"];
/// Members of a node that vary, such as its counters, which are updated every 3 seconds.
const VARYING: [&[u8]; 8] = [
    b"uid",
    b"name",
    b"uptime",
    b"metrics",
    b"num_clients",
    b"num_users",
    b"num_channels",
    b"num_subs",
];

/// Returns the body with names for epochs and clients, with times masked, and with the clients of a
/// presence in the
/// order of their names.
pub(crate) fn normalize(body: &[u8], names: &mut IdMapping) -> (Vec<u8>, Facts) {
    let mut walk = Walk {
        rest: body,
        out: Vec::new(),
        names,
        facts: Facts::default(),
    };
    while walk.value(b"", false).is_some() {
        walk.spaces();
    }
    let Walk {
        rest,
        mut out,
        names,
        facts,
    } = walk;
    // A body that is not JSON, such as `404 page not found`.
    out.extend_from_slice(rest);
    // Missing in the first second.
    let out = replace(&out, "\"uptime\":…,".as_bytes(), b"");
    (names.in_bytes(&out), facts)
}

struct Walk<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
    names: &'a mut IdMapping,
    facts: Facts,
}

impl<'a> Walk<'a> {
    /// Copies the next value, which is the member `key` of an object.
    fn value(&mut self, key: &[u8], in_node: bool) -> Option<()> {
        self.spaces();
        let raw = value(self.rest)?;
        if PAYLOADS.contains(&key) {
            self.copy(raw.len());
            return Some(());
        }
        match raw[0] {
            _ if in_node && VARYING.contains(&key) => self.write(raw, "…".as_bytes()),
            // In a batch, the result that holds the presence has the same name.
            b'{' if key == b"presence" && !raw.starts_with(br#"{"presence":"#) => {
                self.presence(raw)
            }
            b'{' => self.items(b'}', in_node)?,
            b'[' => self.items(b']', key == b"nodes")?,
            _ if key == b"time" => self.write(raw, "…".as_bytes()),
            b'"' if key == b"epoch" => {
                let epoch = String::from_utf8_lossy(&raw[1..raw.len() - 1]).into_owned();
                let name = self.names.epoch(&epoch);
                self.facts.epoch = epoch;
                self.write(raw, format!("\"{name}\"").as_bytes());
            }
            b'"' if key == b"cursor" => {
                self.facts.cursor = String::from_utf8_lossy(&raw[1..raw.len() - 1]).into_owned();
                self.copy(raw.len());
            }
            _ => {
                if key == b"offset" {
                    self.facts.offset = String::from_utf8_lossy(raw).parse().unwrap_or_default();
                }
                self.copy(raw.len());
            }
        }
        Some(())
    }

    /// Copies the members of an object or the items of an array.
    fn items(&mut self, end: u8, in_node: bool) -> Option<()> {
        self.copy(1);
        loop {
            self.spaces();
            match *self.rest.first()? {
                byte if byte == end => {
                    self.copy(1);
                    return Some(());
                }
                b',' => self.copy(1),
                b'"' if end == b'}' => {
                    let key = value(self.rest)?;
                    self.copy(key.len());
                    self.spaces();
                    if self.rest.first() == Some(&b':') {
                        self.copy(1);
                    }
                    self.value(&key[1..key.len() - 1], in_node)?;
                }
                _ => self.value(b"", in_node)?,
            }
        }
    }
    /// Copies a presence with its clients in the order of their names. Go writes maps in the order of
    /// their keys, here the IDs of clients; another order is noted in the copy.
    /// keys.
    fn presence(&mut self, raw: &'a [u8]) {
        let mut members = Vec::new();
        let mut rest = &raw[1..raw.len() - 1];
        while let Some(key) = value(rest) {
            let whole = key.len()
                + 1
                + rest
                    .get(key.len() + 1..)
                    .and_then(value)
                    .map_or(0, <[u8]>::len);
            members.push(&rest[..whole]);
            rest = rest.get(whole + 1..).unwrap_or_default();
        }
        let sorted = members.is_sorted();
        let mut members: Vec<_> = members
            .iter()
            .map(|member| self.names.in_bytes(member))
            .collect();
        members.sort();
        let mut text = members.join(&b","[..]);
        if !sorted {
            text.extend_from_slice(b", not in the order of the clients");
        }
        self.write(raw, &[b"{", &*text, b"}"].concat());
    }

    fn spaces(&mut self) {
        let count = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count();
        self.copy(count);
    }

    fn copy(&mut self, length: usize) {
        let (copied, rest) = self.rest.split_at(length);
        self.out.extend_from_slice(copied);
        self.rest = rest;
    }

    fn write(&mut self, raw: &[u8], instead: &[u8]) {
        self.out.extend_from_slice(instead);
        self.rest = &self.rest[raw.len()..];
    }
}

/// Returns the JSON value at the start of the bytes, whatever its strings contain.
fn value(bytes: &[u8]) -> Option<&[u8]> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (index, byte) in bytes.iter().enumerate() {
        let whole = Some(&bytes[..=index]);
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' if in_string && depth == 0 => return whole,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return whole,
            b'}' | b']' if depth > 1 => depth -= 1,
            _ if depth > 0 => {}
            b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E' => {
                let length = bytes
                    .iter()
                    .take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
                    .count();
                return Some(&bytes[..length]);
            }
            _ => return None,
        }
    }
    None
}

#[test]
fn bodies_are_named_and_masked_but_for_payloads() {
    let mut names = IdMapping::default();
    names.add_client("b-1");
    names.add_client("a-2");
    let body = br#"{"result":{"epoch":"xyz","data":{"epoch":"xyz","time":1},"time":17,"presence":{"presence":{"a-2":{"client":"a-2"},"b-1":{"client":"b-1"}}},"offset":3}}
{"epoch":"","data":"\ud800 ] \" }","epoch":"abc"}"#;
    let expected = r#"{"result":{"epoch":"E1","data":{"epoch":"xyz","time":1},"time":…,"presence":{"presence":{"C1":{"client":"C1"},"C2":{"client":"C2"}}},"offset":3}}
{"epoch":"","data":"\ud800 ] \" }","epoch":"E2"}"#;
    let (normal, facts) = normalize(body, &mut names);
    assert_eq!(String::from_utf8_lossy(&normal), expected);
    assert_eq!((facts.offset, &*facts.epoch), (3, "abc"));
    assert_eq!(
        normalize(b"404 page not found\n", &mut names).0,
        b"404 page not found\n"
    );
    assert_eq!(normalize(b"", &mut names).0, b"");
}
