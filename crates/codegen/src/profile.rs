//! The two schemas of Centrifugo that code is generated from, and what is different about them.

use syn::Ident;

use crate::facts;
use crate::proxy;

/// A kind of schema: what it must have, and what its messages get.
pub(crate) struct Profile {
    /// The name of the file in Centrifugo's repository.
    pub(crate) file: &'static str,
    /// The variable with the path of the schema to build from.
    pub(crate) variable: &'static str,
    /// The variable by which tests find the schema that their crate was built from.
    pub(crate) tested_variable: &'static str,
    /// Which schemas are accepted, in words.
    pub(crate) accepted: &'static str,
    /// The package of Centrifugo's own schema.
    pub(crate) package: &'static str,
    /// The service of Centrifugo's own schema.
    pub(crate) service: &'static str,
    /// The fields that hand-written code relies on, by message, with their types.
    pub(crate) required_fields: &'static [(&'static str, &'static str, &'static str)],
    /// The rpcs that hand-written code relies on, with their requests and responses.
    pub(crate) required_rpcs: &'static [(&'static str, &'static str, &'static str)],
    /// True if the code is a client, which has a method per rpc: no rpc streams, and each has a request of its own.
    pub(crate) is_called: bool,
    /// The arguments of each message's `new`, which are fields that the message may have.
    pub(crate) constructors: &'static [(&'static str, &'static [&'static str])],
    /// The requests whose `new` is completed by `.user(…)` or `.anonymous()`.
    pub(crate) needs_user: &'static [&'static str],
    /// The fate of a payload of any bytes, as the end of the setter's documentation: `{data}` and `{b64data}` stand
    /// for the names of the fields.
    pub(crate) binary: &'static str,
}

impl Profile {
    /// Returns the arguments of a message's `new`. The `new` of a message that is not listed takes none.
    pub(crate) fn constructor(&self, message: &Ident) -> &'static [&'static str] {
        let mut constructors = self.constructors.iter();
        let listed = constructors.find(|(name, _)| message == name);
        listed.map_or(&[], |(_, arguments)| arguments)
    }
}

/// The schema of the server API. Each schema since Centrifugo v5.0 has what is required.
pub(crate) static API: Profile = Profile {
    file: "api.proto",
    variable: "CENTRIFUGO_API_PROTO",
    tested_variable: "CENTRIFUGO_API_SCHEMA",
    accepted: "a schema of Centrifugo's server API, v5.0 or newer",
    package: "centrifugal.centrifugo.api",
    service: "CentrifugoApi",
    required_fields: &[
        ("BatchRequest", "commands", "repeated Command"),
        ("BatchResponse", "replies", "repeated Reply"),
        ("BroadcastRequest", "channels", "repeated string"),
        ("BroadcastResult", "responses", "repeated PublishResponse"),
        ("Command", "broadcast", "BroadcastRequest"),
        ("Error", "code", "uint32"),
        ("Error", "message", "string"),
        ("HistoryRequest", "channel", "string"),
        ("HistoryRequest", "limit", "int32"),
        ("HistoryRequest", "reverse", "bool"),
        ("HistoryRequest", "since", "StreamPosition"),
        ("HistoryResult", "epoch", "string"),
        ("HistoryResult", "offset", "uint64"),
        ("HistoryResult", "publications", "repeated Publication"),
        ("Publication", "data", "bytes"),
        ("Publication", "offset", "uint64"),
        ("PublishRequest", "channel", "string"),
        ("PublishRequest", "data", "bytes"),
        ("PublishResponse", "error", "Error"),
        ("PublishResponse", "result", "PublishResult"),
        ("Reply", "broadcast", "BroadcastResult"),
        ("Reply", "error", "Error"),
        ("StreamPosition", "epoch", "string"),
        ("StreamPosition", "offset", "uint64"),
    ],
    required_rpcs: &[
        ("Batch", "BatchRequest", "BatchResponse"),
        ("Broadcast", "BroadcastRequest", "BroadcastResponse"),
        ("History", "HistoryRequest", "HistoryResponse"),
        ("Publish", "PublishRequest", "PublishResponse"),
    ],
    is_called: true,
    constructors: facts::CONSTRUCTORS,
    needs_user: facts::NEEDS_USER,
    binary: "The request keeps it as base64 in `{b64data}`: over HTTP it is sent so, and Centrifugo decodes it; over \
             gRPC the bytes are sent in `{data}`.",
};

/// The schema of the proxy protocol. What it must have is what the shipped one has: `proxy` checks it.
pub(crate) static PROXY: Profile = Profile {
    file: "proxy.proto",
    variable: "CENTRIFUGO_PROXY_PROTO",
    tested_variable: "CENTRIFUGO_PROXY_SCHEMA",
    accepted: "a schema of Centrifugo's proxy protocol, v6.9 or newer",
    package: "centrifugal.centrifugo.proxy",
    service: "CentrifugoProxy",
    required_fields: &[],
    required_rpcs: &[],
    is_called: false,
    constructors: proxy::facts::CONSTRUCTORS,
    needs_user: &[],
    binary: "The message keeps it as base64 in `{b64data}`, which Centrifugo decodes.",
};
