//! Publications whose data has a type.

use serde::de::DeserializeOwned;

use super::{Item, PayloadExt as _};
use crate::api::messages::Publication;
use crate::error::{Error, excerpt};

/// A publication whose data was decoded: an item of [`ChannelHistory::items`](crate::ChannelHistory::items).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TypedPublication<T> {
    /// The data, or [`Error::Decode`] if the payload is not the JSON of a `T`. The error's text has the start of the payload.
    pub data: Result<T, Error>,
    /// The whole publication: its offset, its tags, the client that published it, and in its own `data` the payload as it is.
    pub publication: Publication,
}

/// Decodes the data of an item of a channel's history.
pub(crate) fn decode<T: DeserializeOwned>(
    channel: &str,
    item: Item<Publication>,
) -> Item<TypedPublication<T>> {
    match item {
        Item::Item(publication) => {
            let decoded = publication.data.decode();
            let data = decoded.map_err(|error| at(channel, publication.offset, error));
            Item::Item(TypedPublication { data, publication })
        }
        Item::Gap { first, last } => Item::Gap { first, last },
        Item::Lost(error) => Item::Lost(error),
    }
}

/// Returns an error of a payload with the place of its publication.
fn at(channel: &str, offset: u64, error: Error) -> Error {
    let channel = excerpt(channel.as_bytes());
    match error {
        Error::Decode {
            message,
            source,
            attempts,
            ..
        } => Error::Decode {
            method: Some("history"),
            message: format!("the publication at offset {offset} of {channel}: {message}"),
            source,
            attempts,
        },
        other => other,
    }
}
