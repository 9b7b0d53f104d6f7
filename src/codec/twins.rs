//! Payloads of any bytes over gRPC: a request has them as base64, in the `b64…` twin of their field, because JSON cannot
//! carry them otherwise. Protobuf carries them in the field itself, a quarter shorter; to Centrifugo both mean the same.

use std::mem;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::api::method::Method;

/// The texts that were taken out of a request's twins, each with the number of its twin.
pub(super) type Texts = Vec<(usize, String)>;

/// Moves the payloads in the request's twins, decoded, to their fields, and returns the texts. A text that is not
/// base64 stays where it is: Centrifugo refuses it, and may accept what the decoder here does not.
pub(super) fn decode<M: Method>(request: &mut M) -> Texts {
    let mut texts = Texts::new();
    let mut number = 0;
    (M::GENERATED.visit_twins)(request, &mut |payload, twin| {
        if !twin.is_empty()
            && let Ok(bytes) = STANDARD.decode(&*twin)
        {
            *payload = Bytes::from(bytes);
            texts.push((number, mem::take(twin)));
        }
        number += 1;
    });
    texts
}

/// Moves the texts back into the twins that they were taken from.
pub(super) fn give_back<M: Method>(request: &mut M, texts: Texts) {
    if texts.is_empty() {
        return;
    }
    let mut texts = texts.into_iter().peekable();
    let mut number = 0;
    (M::GENERATED.visit_twins)(request, &mut |payload, twin| {
        if let Some((_, text)) = texts.next_if(|(taken, _)| *taken == number) {
            payload.clear();
            *twin = text;
        }
        number += 1;
    });
}
