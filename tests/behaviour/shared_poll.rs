//! Shared poll channels.

use centrifugo_api::SharedPollPublishRequest;

use crate::harness::{Env, Outcome, code};
use crate::unchecked::assert_bad_request;

behaviours!(lacking_in_5_4_9:
    shared_poll_publish_succeeds,
    shared_poll_publish_needs_a_version_and_a_key,
    shared_poll_publish_is_refused_elsewhere,
);
behaviours!(legacy_commands_of_6_9_1:
    shared_poll_publish_is_refused_elsewhere,
    shared_poll_publish_needs_a_version_and_a_key,
    shared_poll_publish_succeeds,
);

async fn shared_poll_publish_succeeds(env: &Env) -> Outcome {
    let request = SharedPollPublishRequest::new("poll:a", r#"{"n":1}"#, 1).key("key");
    env.client.call(request.clone()).await?;
    env.client.call(request.clone()).await?;
    env.client
        .call(request.binary_data([0, 255]).version(2).epoch("e"))
        .await?;
    env.client
        .call(SharedPollPublishRequest::new("poll:a", "", 3).key("key"))
        .await?;
    Ok(())
}

async fn shared_poll_publish_needs_a_version_and_a_key(env: &Env) -> Outcome {
    for (key, version, field) in [("key", 0, "version"), ("", 1, "key")] {
        let request = SharedPollPublishRequest::new("poll:a", "1", version).key(key);
        assert_bad_request(env, request, field).await;
    }
    Ok(())
}

async fn shared_poll_publish_is_refused_elsewhere(env: &Env) -> Outcome {
    for (channel, expected) in [("plain:a", 107), ("map:a", 107), ("invalid:a", 102)] {
        let request = SharedPollPublishRequest::new(channel, "1", 1).key("key");
        assert_eq!(
            code(env.client.call(request).await),
            expected,
            "{channel:?}"
        );
    }
    let request = SharedPollPublishRequest::new("", "1", 1).key("key");
    assert_bad_request(env, request, "channel").await;
    Ok(())
}
