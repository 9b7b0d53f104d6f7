//! Generates the messages and their JSON from `proto/proxy.proto`, or from the schema that `CENTRIFUGO_PROXY_PROTO`
//! names.

fn main() {
    centrifugo_api_codegen::build_proxy("proto/proxy.proto");
}
