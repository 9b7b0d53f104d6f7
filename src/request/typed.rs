//! Publications whose data has a type.

use serde::de::DeserializeOwned;

use super::{Item, PayloadExt as _};
use crate::api::messages::Publication;
use crate::error::{Error, excerpt};

/// A publication whose data was decoded: an item of [`ChannelHistory::items`](crate::ChannelHistory::items).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TypedPublication<T> {
    /// The data.
    pub data: T,
    /// The whole publication: its offset, its tags, the client that published it. Its own `data` is the payload that was
    /// decoded.
    pub publication: Publication,
}

/// Decodes the data of an item of a channel's history.
pub(crate) fn decode<T: DeserializeOwned>(
    channel: &str,
    item: Item<Publication>,
) -> Result<Item<TypedPublication<T>>, Error> {
    match item {
        Item::Item(publication) => match publication.data.decode() {
            Ok(data) => Ok(Item::Item(TypedPublication { data, publication })),
            Err(error) => Err(at(channel, publication.offset, error)),
        },
        Item::Gap { first, last } => Ok(Item::Gap { first, last }),
        Item::Lost(error) => Ok(Item::Lost(error)),
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
