//! Generates the crate's messages, their JSON and the client's methods from `proto/api.proto`, or from the schema that
//! `CENTRIFUGO_API_PROTO` names.

use std::env;

fn main() {
    let families = env::var("CARGO_CFG_TARGET_FAMILY").unwrap_or_default();
    let is_wasm = families.split(',').any(|family| family == "wasm");
    let has_any = |features: &[&str]| {
        let mut features = features.iter();
        features.any(|name| env::var_os(format!("CARGO_FEATURE_{name}")).is_some())
    };
    if is_wasm && has_any(&["HTTP", "GRPC"]) {
        println!(
            "cargo::error=there is no transport for WebAssembly: depend on centrifugo-api with `default-features = false` \
             and without the features `http` and `grpc`. The feature `service` takes a transport of your own; without it \
             there are the messages and their JSON"
        );
        return;
    }
    if is_wasm && has_any(&["BLOCKING"]) && has_any(&["SERVICE"]) {
        println!(
            "cargo::error=there is no blocking client for WebAssembly: leave out the feature `blocking` of centrifugo-api"
        );
        return;
    }
    centrifugo_api_codegen::build_sdk("proto/api.proto");
}
