//! RPC calls.

use centrifugo_api::RpcRequest;

use crate::harness::{Env, Outcome, code};
use crate::unchecked::assert_bad_request;

behaviours!(everywhere: rpc_is_not_found_on_the_open_source_server);
behaviours!(legacy_commands:
    rpc_is_not_found_on_the_open_source_server,
);

async fn rpc_is_not_found_on_the_open_source_server(env: &Env) -> Outcome {
    assert_eq!(
        code(
            env.client
                .call(RpcRequest::new("sum").params(r#"{"a":[1,2]}"#))
                .await
        ),
        104
    );
    assert_bad_request(env, RpcRequest::new(""), "method").await;
    Ok(())
}
