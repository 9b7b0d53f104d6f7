//! Builder options that contradict each other, or that no client could use.

use centrifugo_api_testing::Server;

use crate::{assert_says, refusal};

#[test]
fn key_that_no_client_can_send_is_refused_and_not_shown() {
    for key in [
        "hunter2\n",
        "hunter2\u{e9}",
        " hunter2",
        "hunter2 ",
        "hunter2\0",
    ] {
        let message = refusal(Server::builder().api_key(key));
        assert_says(&message, &["api_key"]);
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn empty_key_is_refused_with_the_way_to_have_none() {
    for key in ["", " "] {
        assert_says(
            &refusal(Server::builder().api_key(key)),
            &["api_key is empty", "insecure"],
        );
    }
}

#[test]
fn first_problem_of_a_configuration_is_reported() {
    let builder = Server::builder().configuration("{").configuration("[]");
    assert_says(
        &refusal(builder),
        &["configuration: it is not a JSON object", "EOF"],
    );
}
