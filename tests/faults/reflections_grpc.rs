//! A key that the server sends back is not shown.

use crate::fake_grpc::{FakeGrpc, Reply};
use crate::{KEY, all_texts, client, failure};

#[tokio::test]
async fn key_that_a_grpc_server_sends_back_is_not_shown() {
    for status in ["2", "7", "13"] {
        let fake = FakeGrpc::by(move |call| {
            let key = call.headers["authorization"]
                .to_str()
                .expect("the key is text");
            Reply::status(&[("grpc-status", status), ("grpc-message", key)])
        });
        let error = failure(&client(&fake.url()), status).await;
        assert!(
            !all_texts(&error).contains(KEY),
            "{status} shows the key: {error:?}"
        );
    }
}
