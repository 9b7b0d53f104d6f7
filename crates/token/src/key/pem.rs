//! Keys in PEM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pem_rfc7468::Decoder;
use zeroize::Zeroizing;

use super::{Key, PublicKey, der};
use crate::error::Error;

const BEGIN: &[u8] = b"-----BEGIN ";
const PRIVATE: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
const PUBLIC: [&str; 2] = ["PUBLIC KEY", "CERTIFICATE"];

/// Reads the first private key.
pub(super) fn private(pem: &[u8]) -> Result<Key, Error> {
    let labels = labels(pem);
    let Some((label, section)) = labels.iter().find(|(label, _)| PRIVATE.contains(label)) else {
        return Err(missing(&labels, pem, "a private key", &PRIVATE));
    };
    let bytes = decode(label, section)?;
    match *label {
        "RSA PRIVATE KEY" => der::pkcs1(&bytes),
        "EC PRIVATE KEY" => der::sec1(&bytes, None),
        _ => der::pkcs8(&bytes),
    }
}

/// Reads the first public key or certificate.
pub(super) fn public(pem: &[u8]) -> Result<PublicKey, Error> {
    let labels = labels(pem);
    let Some((label, section)) = labels.iter().find(|(label, _)| PUBLIC.contains(label)) else {
        return Err(missing(&labels, pem, "a public key", &PUBLIC));
    };
    let bytes = decode(label, section)?;
    if *label == "CERTIFICATE" {
        der::certificate(&bytes)
    } else {
        der::public_info(&bytes)
    }
}

/// Writes a section.
pub(super) fn write(label: &str, bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

/// Returns the sections' labels, each with the text from its beginning to its end.
fn labels(pem: &[u8]) -> Vec<(&str, &[u8])> {
    let mut labels = Vec::new();
    let mut rest = pem;
    while let Some(start) = find(rest, BEGIN) {
        rest = &rest[start..];
        let after = &rest[BEGIN.len()..];
        let end = find(after, b"-----").unwrap_or(0);
        let label = std::str::from_utf8(&after[..end]).unwrap_or_default();
        let closing = format!("-----END {label}-----");
        let length = find(rest, closing.as_bytes()).map_or(rest.len(), |at| at + closing.len());
        labels.push((label, &rest[..length]));
        rest = &rest[length..];
    }
    labels
}

/// Returns whether a text has a section of PEM, perhaps after something else.
pub(super) fn has_section(text: &[u8]) -> bool {
    find(text, BEGIN).is_some()
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn decode(label: &str, section: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    if find(section, b"Proc-Type: 4,ENCRYPTED").is_some() {
        return Err(Error::key(format!(
            "the PEM section {label:?} is encrypted: decrypt it with `openssl pkey -in key.pem -out plain.pem`"
        )));
    }
    let damaged = |error: pem_rfc7468::Error| {
        let hint = if find(section, b"\\n").is_some() {
            ": it has `\\n` instead of line breaks, as a variable of the environment may; replace them"
        } else {
            ""
        };
        Error::key(format!(
            "the PEM section {label:?} is damaged: {error}{hint}"
        ))
    };
    let mut decoder = Decoder::new_detect_wrap(section).map_err(damaged)?;
    let mut bytes = Zeroizing::new(vec![0; decoder.remaining_len()]);
    decoder.decode(&mut bytes).map_err(damaged)?;
    Ok(bytes)
}

/// Returns the error for a text without such a section; it names what is there instead.
fn missing(labels: &[(&str, &[u8])], pem: &[u8], wanted: &str, known: &[&str]) -> Error {
    // Parameters before a key say nothing about it.
    let key = labels.iter().find(|(label, _)| *label != "EC PARAMETERS");
    let Some((label, _)) = key.or(labels.first()) else {
        let hint = if pem.is_empty() { " it is empty," } else { "" };
        return Error::key(format!(
            "this is not PEM:{hint} a line such as `-----BEGIN {}-----` is missing; a path must be read first",
            known[0]
        ));
    };
    let fix = match *label {
        "ENCRYPTED PRIVATE KEY" => "decrypt it with `openssl pkcs8 -in key.pem -out plain.pem`",
        "RSA PUBLIC KEY" => "convert it with `openssl rsa -RSAPublicKey_in -in key.pem -pubout`",
        "PUBLIC KEY" | "CERTIFICATE" => "a public key cannot sign: give the private one",
        "OPENSSH PRIVATE KEY" => "convert it with `ssh-keygen -p -m PKCS8`",
        _ if PRIVATE.contains(label) => {
            "this is a private key, which nobody else may see: give `Key::public`, or convert it with `openssl pkey -pubout`"
        }
        _ => "give one of the others",
    };
    let label: String = label.chars().take(40).collect();
    Error::key(format!(
        "the PEM section {label:?} is not {wanted} ({}): {fix}",
        known.join(", ")
    ))
}
