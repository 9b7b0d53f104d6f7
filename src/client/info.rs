//! The call of `info` for the names and versions of nodes, which every Centrifugo tells. Its messages do not depend on the
//! schema that the crate was built from, which may lack them.

use prost::Message;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize};

use crate::api;
use crate::api::messages::INFO_PATH;
use crate::api::method::Method;
use crate::call::{NodeVersion, ServerVersions};

/// The request of `info`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct InfoCall {}

/// The reply to `info`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct InfoReply {
    #[prost(message, optional, tag = "1")]
    error: Option<api::Error>,
    #[prost(message, optional, tag = "2")]
    result: Option<Nodes>,
}

#[derive(Clone, PartialEq, Message)]
struct Nodes {
    #[prost(message, repeated, tag = "1")]
    nodes: Vec<Node>,
}

#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    version: String,
}

impl Method for InfoCall {
    const NAME: &'static str = "info";
    const GRPC_PATH: &'static str = INFO_PATH;
    type Response = InfoReply;
    type Result = ServerVersions;

    fn outcome(reply: InfoReply) -> Option<Result<ServerVersions, api::Error>> {
        if let Some(error) = reply.error {
            return Some(Err(error));
        }
        let nodes = reply.result?.nodes.into_iter().map(|node| NodeVersion {
            name: node.name,
            version: node.version,
        });
        Some(Ok(ServerVersions::new(nodes.collect())))
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}

impl Serialize for InfoCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_map(Some(0))?.end()
    }
}

/// Implements `Deserialize` for a message: its fields by their names in JSON; other fields are ignored.
macro_rules! deserialize {
    ($message:ident { $($field:ident),* }) => {
        impl<'de> Deserialize<'de> for $message {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;

                impl<'de> Visitor<'de> for Fields {
                    type Value = $message;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        formatter.write_str("an object")
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$message, A::Error> {
                        let mut message = $message::default();
                        while let Some(name) = map.next_key::<String>()? {
                            match name.as_str() {
                                $(stringify!($field) => {
                                    message.$field = map.next_value::<Option<_>>()?.unwrap_or_default();
                                })*
                                _ => {
                                    map.next_value::<IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(message)
                    }
                }

                deserializer.deserialize_map(Fields)
            }
        }
    };
}

deserialize!(InfoReply { error, result });
deserialize!(Nodes { nodes });
deserialize!(Node { name, version });
