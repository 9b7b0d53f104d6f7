//! Generates the table of methods and messages that the server serves, from the schema that the SDK was built from.

fn main() {
    centrifugo_api_codegen::build_test_server();
}
