//! Every message, compared with the oracle.

#[path = "../../oracle.rs"]
mod oracle;

use std::collections::BTreeSet;
use std::path::Path;

use centrifugo_api::api;
use protox::prost_reflect::{Kind, MessageDescriptor};

macro_rules! for_each_root {
    ($then:ident) => {
        $then!(
            AncientRequest,
            AncientResponse,
            BatchRequest,
            BatchResponse,
            BroadcastResponse,
            BuilderResponse,
            CallResponse,
            ChannelsResponse,
            CloneResponse,
            Core,
            D,
            DefaultResponse,
            DisconnectResponse,
            Error2,
            EverythingRequest,
            EverythingResponse,
            GetUrl2FaResponse,
            HistoryRemoveResponse,
            HistoryResponse,
            InfoResponse,
            Int32Value,
            Json,
            MoveResponse,
            NewResponse,
            PartsResponse,
            PingRequest,
            Pong,
            PresenceResponse,
            PresenceStatsResponse,
            RefreshResponse,
            RpcResponse,
            SelfResponse,
            Std,
            SubscribeResponse,
            TypeResponse,
            UnsubscribeResponse,
            outer::Answer,
            outer::answer::Error2,
            Outer,
            Serde,
            serde::Std
        )
    };
}

#[test]
fn every_message_agrees_with_the_oracle() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/schemas/nasty.proto");
    let pool = oracle::pool(&schema.canonicalize().expect("the schema is there"));
    let mut reached = BTreeSet::new();
    macro_rules! check_each {
        ($($message:path),*) => {$(
            reach(&oracle::find(&pool, stringify!($message)), &mut reached);
        )*};
    }
    for_each_root!(check_each);
    let all: BTreeSet<_> = oracle::messages(&pool)
        .iter()
        .map(|message| message.full_name().to_owned())
        .collect();
    assert_eq!(
        all.difference(&reached).collect::<Vec<_>>(),
        [] as [&str; 0],
        "add them to the roots"
    );
    macro_rules! check_each {
        ($($($segment:ident)::+),*) => {$(
            oracle::check::<api::$($segment)::+>(&pool, stringify!($($segment)::+));
        )*};
    }
    for_each_root!(check_each);
}

/// Adds a message and those that it contains.
fn reach(message: &MessageDescriptor, reached: &mut BTreeSet<String>) {
    if reached.insert(message.full_name().to_owned()) {
        for field in message.fields() {
            if let Kind::Message(held) = field.kind() {
                reach(&held, reached);
            }
        }
    }
}
