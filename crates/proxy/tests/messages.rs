//! Every message of the schema that the crate was built from, compared with the oracle of the SDK's tests. Nothing here
//! depends on which schema it is, nor on that of the SDK.

#[allow(dead_code)]
#[path = "../../../src/fuzz/chance.rs"]
mod chance;
#[path = "../../../tests/schemas/oracle.rs"]
mod oracle;

use std::fmt::Debug;
use std::path::Path;

use centrifugo_api::prost::Message;

use centrifugo_api::api;
use centrifugo_proxy::messages as proxy;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::chance::Chance;

/// The JSON that is changed at random: a request and answers.
const SEEDS: [&str; 4] = [
    r#"{"client":"9336a229","transport":"websocket","protocol":"json","encoding":"json","user":"56","channel":"news","data":{"text":"hi"},"b64data":"Zm9v","meta":null,"labels":{"a":"b"},"items":[{"key":"a","version":1}]}"#,
    r#"{"result":{"user":"56","expire_at":1700000000,"info":{},"channels":["a"],"subs":{"b":{"override":{"presence":{"value":true}},"cache_recover":true}},"caps":[{"allow":["sub"]}],"tags":{"a":"b"}},"error":null}"#,
    r#"{"error":{"code":400,"message":"no","temporary":true},"disconnect":{"code":4500,"reason":"bye"},"events":[{"time_ms":1,"type":"vacated"}]}"#,
    r#"{"server_tags_filter":{"op":"and","nodes":[{"key":"a","cmp":"in","vals":["1"],"nodes":[{}]}]},"publication":{"data":[],"tags":{}}}"#,
];

#[test]
fn every_message_agrees_with_the_oracle() {
    let pool = oracle::pool(Path::new(env!("CENTRIFUGO_PROXY_SCHEMA")));
    assert_eq!(messages::check(&pool), oracle::messages(&pool).len());
}

#[test]
fn messages_of_server_api_become_those_of_proxy() {
    assert_eq!(
        converted::<_, proxy::Error>(api::Error::new(400_u32, "no")),
        proxy::Error::new(400_u32, "no")
    );
    assert_eq!(
        converted::<_, proxy::Disconnect>(api::Disconnect::new(4500_u32, "bye")),
        proxy::Disconnect::new(4500_u32, "bye")
    );
    let options = api::SubscribeOptionOverride::new()
        .presence(true)
        .join_leave(false);
    let expected = proxy::SubscribeOptionOverride::new()
        .presence(true)
        .join_leave(false);
    assert_eq!(
        converted::<_, proxy::SubscribeOptionOverride>(options),
        expected
    );
}

#[test]
fn changed_messages_are_refused_or_stay_the_same() {
    let inputs = std::env::var("CENTRIFUGO_API_FUZZ").map_or(1000, |number| {
        number.parse().expect("CENTRIFUGO_API_FUZZ is a number")
    });
    let mut chance = Chance::new(18);
    for index in 0..inputs {
        let seed = SEEDS[index % SEEDS.len()];
        let other = SEEDS[chance.below(SEEDS.len())];
        messages::reread(&chance.change(seed.as_bytes(), other.as_bytes()));
    }
}

/// Checks that what is read as a message, from JSON or from protobuf, is written and read as the same message.
fn reread<M>(input: &[u8], path: &str)
where
    M: Message + Serialize + DeserializeOwned + PartialEq + Debug + Default,
{
    let text = input.escape_ascii();
    if let Ok(message) = serde_json::from_slice::<M>(input) {
        let json = serde_json::to_vec(&message);
        let json = json.unwrap_or_else(|error| panic!("{path} of {text}: {error}"));
        let again = serde_json::from_slice::<M>(&json).ok();
        assert_eq!(again, Some(message), "{path} of {text}");
    }
    if let Ok(message) = M::decode(input) {
        let again = M::decode(&*message.encode_to_vec()).ok();
        assert_eq!(again, Some(message), "{path} of {text}");
    }
}

/// Converts a message: into itself, where both schemas have the same one.
fn converted<M, N: From<M>>(message: M) -> N {
    message.into()
}

/// A separate module because a schema's messages may be called `Vec` and `Option`.
mod messages {
    use centrifugo_proxy::messages::*;

    include!(concat!(env!("OUT_DIR"), "/messages.rs"));

    pub(super) fn check(pool: &protox::prost_reflect::DescriptorPool) -> usize {
        let mut checked = 0;
        macro_rules! check_each {
            ($($message:path),*) => {$(
                super::oracle::check::<$message>(pool, stringify!($message));
                checked += 1;
            )*};
        }
        for_each_message!(check_each);
        checked
    }

    pub(super) fn reread(input: &[u8]) {
        macro_rules! reread_each {
            ($($message:path),*) => {
                $(super::reread::<$message>(input, stringify!($message));)*
            };
        }
        for_each_message!(reread_each);
    }
}
