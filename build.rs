//! Generates the crate's messages, their JSON and the client's methods from `proto/api.proto`, or from the schema that
//! `CENTRIFUGO_API_PROTO` names.

use std::env;

fn main() {
    let families = env::var("CARGO_CFG_TARGET_FAMILY").unwrap_or_default();
    let is_wasm = families.split(',').any(|family| family == "wasm");
    if is_wasm && env::var_os("CARGO_FEATURE__TRANSPORT").is_some() {
        println!(
            "cargo::error=there is no transport for WebAssembly: depend on centrifugo-api with `default-features = false` \
             and without the features `http` and `grpc`, which leaves the messages and their JSON"
        );
        return;
    }
    centrifugo_api_codegen::build_sdk("proto/api.proto");
}
