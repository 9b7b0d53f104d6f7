//! Random numbers, and random changes of inputs.

/// A generator of pseudo-random numbers, which are the same in each run.
pub(crate) struct Chance(u64);

/// Texts that often break a reader.
const TOKENS: [&[u8]; 46] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"\\",
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"\"\"",
    b"0",
    b"-1",
    b"-0",
    b"1e400",
    b"18446744073709551616",
    b"9223372036854775807",
    b"\\u0000",
    b"\\ud800",
    b"\\udc00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xe2\x80\xa8",
    b"\0",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    b"\n",
    b"\"data\":",
    b"\"channel\":",
    b"\"channels\":[",
    b"\"commands\":[",
    b"\"publish\":{",
    b"\"tags\":{",
    b"\"result\":{",
    b"\"error\":{",
    b"\"code\":",
    b"\"message\":\"",
    b"hunter2-is-the-key",
    b"://",
    b"@",
    b"?",
    b"#",
    b"/",
    b"[::1]",
    b"\xff\xff\xff\xff",
];

/// The names of fields.
const KEYS: [&str; 32] = [
    r#""channel""#,
    r#""CHANNEL""#,
    r#""\u0063hannel""#,
    r#""channels""#,
    r#""data""#,
    r#""b64data""#,
    r#""tags""#,
    r#""commands""#,
    r#""publish""#,
    r#""broadcast""#,
    r#""history""#,
    r#""map_publish""#,
    r#""rpc""#,
    r#""user""#,
    r#""users""#,
    r#""since""#,
    r#""offset""#,
    r#""epoch""#,
    r#""limit""#,
    r#""reverse""#,
    r#""version""#,
    r#""override""#,
    r#""presence""#,
    r#""value""#,
    r#""pattern""#,
    r#""key""#,
    r#""whitelist""#,
    r#""disconnect""#,
    r#""expire_at""#,
    r#""filter""#,
    r#""label_filter""#,
    r#""""#,
];

/// Values without a structure, including invalid ones.
const SCALARS: [&str; 24] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "-0",
    "1.5",
    "1e1",
    "1e400",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
    r#""""#,
    r#""news""#,
    r#""map:1""#,
    r#""Zm9v""#,
    r#""*[""#,
    r#""\ud800""#,
    r#""\udc00\ud800""#,
    r#""\ud83d\ude00""#,
    r#""\u0000""#,
    r#""\"\\\/\b""#,
    r#""\u2028é""#,
];

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number: SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    /// Returns a number below the limit, which must be above 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap_or_default()
    }

    fn token(&mut self) -> &'static [u8] {
        TOKENS[self.below(TOKENS.len())]
    }

    /// Returns fewer than `most` random bytes.
    pub(crate) fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most);
        std::iter::repeat_with(|| self.next().to_le_bytes()[0])
            .take(length)
            .collect()
    }

    /// Returns an object in JSON with names of fields. A quarter of the objects is broken.
    pub(crate) fn json(&mut self) -> Vec<u8> {
        let mut json = Vec::new();
        self.object(4, &mut json);
        if self.below(4) == 0 {
            self.change_once(&mut json, b"");
        }
        json
    }

    fn object(&mut self, depth: usize, json: &mut Vec<u8>) {
        json.push(b'{');
        for index in 0..self.below(6) {
            if index > 0 {
                json.push(b',');
            }
            json.extend_from_slice(self.pick(&KEYS).as_bytes());
            json.push(b':');
            self.value(depth, json);
        }
        json.push(b'}');
    }

    fn value(&mut self, depth: usize, json: &mut Vec<u8>) {
        match self.below(6) {
            0 | 1 if depth > 0 => self.object(depth - 1, json),
            2 if depth > 0 => {
                json.push(b'[');
                for index in 0..self.below(4) {
                    if index > 0 {
                        json.push(b',');
                    }
                    self.value(depth - 1, json);
                }
                json.push(b']');
            }
            _ => json.extend_from_slice(self.pick(&SCALARS).as_bytes()),
        }
    }

    fn pick(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.below(texts.len())]
    }

    /// Returns the bytes, changed in up to four places; parts of `other` may be inserted.
    pub(crate) fn change(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        for _ in 0..=self.below(4) {
            self.change_once(&mut changed, other);
        }
        changed
    }

    fn change_once(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let (from, to) = self.range(bytes.len());
        match self.below(7) {
            0 if from < bytes.len() => bytes[from] ^= 1 << self.below(8),
            1 if from < bytes.len() => bytes[from] = self.next().to_le_bytes()[0],
            2 => drop(bytes.drain(from..to)),
            3 => bytes.truncate(from),
            4 => {
                let (start, end) = self.range(other.len());
                bytes.splice(from..to, other[start..end].iter().copied());
            }
            5 => {
                let twice = bytes[from..to].repeat(2);
                bytes.splice(from..to, twice);
            }
            _ => {
                let token = self.token();
                bytes.splice(from..from, token.iter().copied());
            }
        }
    }

    fn range(&mut self, length: usize) -> (usize, usize) {
        let from = self.below(length + 1);
        (from, from + self.below(length - from + 1))
    }
}
