//! Every message of the schema that the crate was built from, compared with the oracle. Nothing here names a message.

#[path = "oracle.rs"]
mod oracle;

use std::path::Path;

#[test]
fn every_message_agrees_with_the_oracle() {
    let pool = oracle::pool(Path::new(env!("CENTRIFUGO_API_SCHEMA")));
    let checked = messages::check(&pool);
    assert_eq!(checked + messages::HIDDEN, oracle::messages(&pool).len());
}

/// A separate module because a schema's messages may be called `Vec` and `Option`.
mod messages {
    use centrifugo_api::api::*;

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
