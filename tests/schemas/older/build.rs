//! Generates the macro over all messages of the schema.

fn main() {
    centrifugo_api_codegen::build_message_tests();
}
