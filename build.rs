//! Generates the crate's messages, their JSON and the client's methods from `proto/api.proto`, or from the schema that
//! `CENTRIFUGO_API_PROTO` names.

fn main() {
    centrifugo_api_codegen::build_sdk("proto/api.proto");
}
