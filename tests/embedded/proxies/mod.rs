//! Proxies: handlers that the embedded server asks about its clients.

mod calls;

use centrifugo_api::Error;
use centrifugo_proxy::{Caller, ClientError, ConnectReply, Disconnect, Handlers};

const NO: ClientError = ClientError::constant(403, "no");
const LATER: ClientError = ClientError::constant(429, "later").temporary();
const BYE: Disconnect = Disconnect::constant(4500, "bye");

/// Returns handlers that let every client in as the user that it names.
fn handlers() -> Handlers {
    Handlers::new(Caller::anyone()).connect(|event| {
        let name = event.name().to_owned();
        async move { Ok(ConnectReply::user(name)) }
    })
}

/// Returns the code and the message of an error.
#[track_caller]
fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (u32, String) {
    match outcome {
        Err(Error::Api(error)) => (error.code, error.message),
        other => panic!("expected an error of the server, not {other:?}"),
    }
}
