//! The same fault over each transport that is compiled in.

use centrifugo_api::prost::Message;
use centrifugo_api::{Client, ClientBuilder, Retry};
use serde::de::DeserializeOwned;

use crate::fake_grpc::{FakeGrpc, Reply};
use crate::fake_http::{Answer, FakeHttp};
use crate::{KEY, client};

/// A fake server and its transport.
pub(crate) enum Server {
    Http(FakeHttp),
    Grpc(FakeGrpc),
}

impl Server {
    pub(crate) fn transport(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Grpc(_) => "grpc",
        }
    }

    pub(crate) fn client(&self) -> Client {
        client(&self.url())
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder(self.url())
            .api_key(KEY)
            .retry(Retry::none())
    }

    fn url(&self) -> String {
        match self {
            Self::Http(fake) => fake.url(),
            Self::Grpc(fake) => fake.url(),
        }
    }

    pub(crate) fn calls(&self) -> usize {
        match self {
            Self::Http(fake) => fake.requests().len(),
            Self::Grpc(fake) => fake.requests().len(),
        }
    }

    pub(crate) fn connections(&self) -> usize {
        match self {
            Self::Http(fake) => fake.connections(),
            Self::Grpc(fake) => fake.connections(),
        }
    }

    pub(crate) async fn end_of_flood(&self) -> usize {
        match self {
            Self::Http(fake) => fake.end_of_flood().await,
            Self::Grpc(fake) => fake.end_of_flood().await,
        }
    }

    pub(crate) async fn all_ended(&self) {
        match self {
            Self::Http(fake) => fake.all_ended().await,
            Self::Grpc(fake) => fake.all_ended().await,
        }
    }
}

/// Returns servers that answer every call the same.
pub(crate) fn always(answer: Answer, reply: Reply) -> Vec<Server> {
    compiled(
        || Server::Http(FakeHttp::always(answer)),
        || Server::Grpc(FakeGrpc::always(reply)),
    )
}

/// Returns servers that answer each call with the next answer.
pub(crate) fn script<const N: usize>(turns: [(Answer, Reply); N]) -> Vec<Server> {
    let (answers, replies): (Vec<_>, Vec<_>) = turns.into_iter().unzip();
    compiled(
        || Server::Http(FakeHttp::script(answers)),
        || Server::Grpc(FakeGrpc::script(replies)),
    )
}

/// Returns servers that reply with an `R` given as JSON.
pub(crate) fn replying<R: Message + DeserializeOwned>(json: &str) -> Vec<Server> {
    let (answer, reply) = reply::<R>(json);
    always(answer, reply)
}

/// Returns a successful reply, given as the JSON of an `R`.
pub(crate) fn reply<R: Message + DeserializeOwned>(json: &str) -> (Answer, Reply) {
    let message: R = serde_json::from_str(json).expect("the test's reply is of its type");
    (Answer::json(json), Reply::ok(&message))
}

/// Returns a successful reply to a publication.
pub(crate) fn published() -> (Answer, Reply) {
    reply::<centrifugo_api::PublishResponse>(r#"{"result":{"offset":7,"epoch":"abcd"}}"#)
}

fn compiled(http: impl FnOnce() -> Server, grpc: impl FnOnce() -> Server) -> Vec<Server> {
    let mut servers = Vec::new();
    if cfg!(feature = "_http") {
        servers.push(http());
    }
    if cfg!(feature = "grpc") {
        servers.push(grpc());
    }
    servers
}
