//! Reads the results of publications, of which batches and broadcasts return thousands, in the form in which Centrifugo
//! writes them, and writes publications of the usual fields. It takes a third to a half of the instructions that serde takes.
//!
//! Serde reads and writes the other forms, such as an escaped text, white space or another field.

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::api::messages::{
    BroadcastResponse, BroadcastResult, Error, PublishResponse, PublishResult,
};

/// The rest of some JSON that is being read.
#[derive(Debug)]
pub struct Reader<'a>(&'a str);

/// Reads a whole reply, if it has the usual form.
pub(crate) fn read<T>(json: &Bytes, read: impl FnOnce(&mut Reader<'_>) -> Option<T>) -> Option<T> {
    let mut reader = Reader(std::str::from_utf8(json).ok()?);
    let value = read(&mut reader)?;
    let is_read = reader
        .0
        .trim_end_matches([' ', '\t', '\n', '\r'])
        .is_empty();
    is_read.then_some(value)
}

impl Reader<'_> {
    /// Skips a text that must be there.
    pub(crate) fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// Skips a text if it is there, and returns whether it is.
    pub(crate) fn has(&mut self, text: &str) -> bool {
        self.skip(text).is_some()
    }

    /// Reads the items of a list, behind its bracket.
    pub(crate) fn items(&mut self, mut read: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if self.has("]") {
            return Some(());
        }
        loop {
            read(self)?;
            if !self.has(",") {
                return self.skip("]");
            }
        }
    }

    fn number(&mut self) -> Option<u64> {
        let length = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(length);
        if length > 1 && digits.starts_with('0') {
            return None;
        }
        self.0 = rest;
        digits.parse().ok()
    }

    /// Reads a text without escapes.
    fn text(&mut self) -> Option<String> {
        self.skip("\"")?;
        let is_special = |byte| matches!(byte, b'"' | b'\\' | ..b' ');
        let length = self.0.bytes().position(is_special)?;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest.strip_prefix('"')?;
        Some(text.to_owned())
    }

    /// Reads Centrifugo's error.
    pub(crate) fn error(&mut self) -> Option<Error> {
        let mut error = Error::default();
        self.skip(r#"{"code":"#)?;
        error.code = self.number()?.try_into().ok()?;
        self.skip(r#","message":"#)?;
        error.message = self.text()?;
        self.skip("}")?;
        Some(error)
    }

    /// Reads the result of a publication.
    pub(crate) fn publish_result(&mut self) -> Option<PublishResult> {
        let mut result = PublishResult::default();
        self.skip("{")?;
        let has_offset = self.has(r#""offset":"#);
        if has_offset {
            result.offset = self.number()?;
        }
        if self.has(if has_offset {
            r#","epoch":"#
        } else {
            r#""epoch":"#
        }) {
            result.epoch = self.text()?;
        }
        self.skip("}")?;
        Some(result)
    }

    /// Reads the result of a broadcast.
    pub(crate) fn broadcast_result(&mut self) -> Option<BroadcastResult> {
        let mut result = BroadcastResult::default();
        self.skip(r#"{"responses":["#)?;
        self.items(|reader| {
            let response = reader.publish_response()?;
            result.responses.push(response);
            Some(())
        })?;
        self.skip("}")?;
        Some(result)
    }

    fn publish_response(&mut self) -> Option<PublishResponse> {
        let mut response = PublishResponse::default();
        if self.has(r#"{"result":"#) {
            response.result = Some(self.publish_result()?);
        } else {
            self.skip(r#"{"error":"#)?;
            response.error = Some(self.error()?);
        }
        self.skip("}")?;
        Some(response)
    }
}

/// JSON that is being written.
#[derive(Debug)]
pub(crate) struct Writer<'a>(pub(crate) &'a mut Vec<u8>);

impl Writer<'_> {
    /// Writes what needs no escapes.
    pub(crate) fn plain(&mut self, json: &str) {
        self.0.extend_from_slice(json.as_bytes());
    }

    /// Writes a publication, if its texts need no escapes and its payload is JSON.
    pub(crate) fn publication(&mut self, channel: &str, data: &Bytes, key: &str) -> Option<()> {
        let mut before = "{";
        if !channel.is_empty() {
            self.plain(r#"{"channel":"#);
            self.text(channel)?;
            before = ",";
        }
        if !data.is_empty() {
            let data: &RawValue = serde_json::from_slice(data).ok()?;
            self.plain(before);
            self.plain(r#""data":"#);
            self.plain(data.get());
            before = ",";
        }
        if !key.is_empty() {
            self.plain(before);
            self.plain(r#""idempotency_key":"#);
            self.text(key)?;
            before = ",";
        }
        self.plain(if before == "{" { "{}" } else { "}" });
        Some(())
    }

    /// Writes a text without escapes.
    fn text(&mut self, text: &str) -> Option<()> {
        if text
            .bytes()
            .any(|byte| matches!(byte, b'"' | b'\\' | ..b' '))
        {
            return None;
        }
        self.plain("\"");
        self.plain(text);
        self.plain("\"");
        Some(())
    }
}

/// Reads the reply to a publication.
pub(crate) fn publish_response(json: &Bytes) -> Option<PublishResponse> {
    read(json, |reader| reader.publish_response())
}

/// Reads the reply to a broadcast.
pub(crate) fn broadcast_response(json: &Bytes) -> Option<BroadcastResponse> {
    let mut response = BroadcastResponse::default();
    read(json, |reader| {
        reader.skip(r#"{"result":"#)?;
        response.result = Some(reader.broadcast_result()?);
        reader.skip("}")
    })?;
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(json: &str) -> Option<Vec<PublishResponse>> {
        let response = broadcast_response(&Bytes::copy_from_slice(json.as_bytes()))?;
        let read: BroadcastResponse = serde_json::from_str(json).unwrap();
        assert_eq!(response, read, "{json}");
        Some(response.result.unwrap_or_default().responses)
    }

    #[test]
    fn usual_replies_are_read() {
        for (responses, count) in [
            ("", 0),
            (r#"{"result":{}}"#, 1),
            (r#"{"result":{"offset":0}}"#, 1),
            (
                r#"{"result":{"epoch":"é\u{2028}"}},{"result":{"offset":18446744073709551615,"epoch":""}}"#,
                2,
            ),
            (
                r#"{"result":{"offset":12,"epoch":"x"}},{"error":{"code":4294967295,"message":""}}"#,
                2,
            ),
        ] {
            let responses = responses.replace(r"\u{2028}", "\u{2028}");
            for end in ["", "\n", " \r\n"] {
                let json = format!(r#"{{"result":{{"responses":[{responses}]}}}}{end}"#);
                assert_eq!(results(&json).map(|list| list.len()), Some(count), "{json}");
            }
        }
    }

    #[test]
    fn reply_to_a_publication_is_read() {
        for json in [
            r#"{"result":{}}"#,
            r#"{"result":{"offset":12,"epoch":"x"}}"#,
            r#"{"error":{"code":102,"message":"unknown channel"}}"#,
        ] {
            let read: PublishResponse = serde_json::from_str(json).unwrap();
            assert_eq!(publish_response(&json.into()), Some(read), "{json}");
        }
        let with_another_field = r#"{"result":{"offset":12,"later":1}}"#;
        assert_eq!(publish_response(&with_another_field.into()), None);
    }

    #[test]
    fn other_replies_are_left_to_serde() {
        for item in [
            r#"{"result":{"epoch":"x","offset":1}}"#,
            r#"{"result":{"offset":1,"epoch":"x","later":1}}"#,
            r#"{"result":{"offset":1,"epoch":"\u0041"}}"#,
            r#"{"result":{"offset":1,"epoch":null}}"#,
            r#"{"result": {}}"#,
            r#"{"result":{} }"#,
            r#"{"result":null}"#,
            r#"{"error":null,"result":{}}"#,
            r#"{"error":{"code":100,"message":"\n"}}"#,
            r#"{"error":{"code":100}}"#,
            r#"{"error":{"code":100,"message":"","temporary":true}}"#,
            "{}",
            "null",
        ] {
            let json = format!(r#"{{"result":{{"responses":[{item}]}}}}"#);
            assert!(
                serde_json::from_str::<BroadcastResponse>(&json).is_ok(),
                "{json}"
            );
            assert_eq!(results(&json), None, "{json}");
        }
    }

    #[test]
    fn what_is_no_reply_is_not_read() {
        for json in [
            r#"{"result":{"responses":[{"result":{"offset":01}}]}}"#,
            r#"{"result":{"responses":[{"result":{"offset":18446744073709551616}}]}}"#,
            r#"{"result":{"responses":[{"result":{"offset":-1}}]}}"#,
            r#"{"result":{"responses":[{"result":{"offset":1.0}}]}}"#,
            r#"{"result":{"responses":[{"result":{"offset":}}]}}"#,
            r#"{"result":{"responses":[{"result":{,"epoch":"x"}}]}}"#,
            r#"{"result":{"responses":[{"error":{"code":4294967296,"message":""}}]}}"#,
            "{\"result\":{\"responses\":[{\"result\":{\"epoch\":\"a\nb\"}}]}}",
            r#"{"result":{"responses":[{"result":{}},]}}"#,
            r#"{"result":{"responses":[,{"result":{}}]}}"#,
            r#"{"result":{"responses":[{"result":{}}{"result":{}}]}}"#,
            r#"{"result":{"responses":[]}}}"#,
            r#"{"result":{"responses":[]}}x"#,
            "{\"result\":{\"responses\":[]}}\x0c",
        ] {
            assert!(
                serde_json::from_str::<BroadcastResponse>(json).is_err(),
                "{json}"
            );
            assert_eq!(broadcast_response(&json.to_owned().into()), None, "{json}");
        }
        let usual = r#"{"result":{"responses":[{"result":{"offset":12,"epoch":"x"}}]}}"#;
        for length in 0..usual.len() {
            let json = Bytes::copy_from_slice(&usual.as_bytes()[..length]);
            assert_eq!(broadcast_response(&json), None, "{}", json.escape_ascii());
        }
        let invalid =
            Bytes::from_static(b"{\"result\":{\"responses\":[{\"result\":{\"epoch\":\"\xff\"}}]}}");
        assert_eq!(broadcast_response(&invalid), None);
    }
}
