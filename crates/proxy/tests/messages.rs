//! Every message of the schema that the crate was built from, compared with the oracle of the SDK's tests. Nothing here
//! depends on which schema it is, nor on that of the SDK.

#[path = "../../../tests/schemas/oracle.rs"]
mod oracle;

use std::path::Path;

use centrifugo_api::api;
use centrifugo_proxy::messages as proxy;

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
}
