//! What a behaviour is shown with, and the macro that makes tests of it.

use std::fmt;
use std::panic::Location;

use centrifugo_api::{Error, Publication, PublishRequest, PublishResult};

use crate::face::{Face, Kind};
use crate::server::{Server, Transport, Version};

/// A server of its own, and a client over one of the transports.
pub(crate) struct Env {
    pub(crate) server: Server,
    pub(crate) version: Version,
    pub(crate) transport: Transport,
    pub(crate) client: Face,
}

impl Env {
    /// A client over the other transport.
    #[cfg(all(feature = "http", feature = "grpc"))]
    pub(crate) fn other_client(&self) -> Face {
        self.server.client(self.transport.other()).into()
    }

    /// Publishes JSON.
    pub(crate) async fn publish(&self, channel: &str, data: &str) -> Result<PublishResult, Error> {
        self.client.call(PublishRequest::new(channel, data)).await
    }
}

/// What a behaviour answers; `?` takes any error.
pub(crate) type Outcome = Result<(), Failure>;

/// An error, and the place of the `?` that it went through.
pub(crate) struct Failure(String);

impl<E: Into<Box<dyn std::error::Error>>> From<E> for Failure {
    #[track_caller]
    fn from(error: E) -> Self {
        let error = error.into();
        let mut message = format!("{}: {error}", Location::caller());
        let mut cause = error.source();
        while let Some(error) = cause {
            message += &format!("\n  because {error}");
            cause = error.source();
        }
        Self(message)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Shows a behaviour over one transport, by one of the two clients, to one version.
pub(crate) async fn run(
    version: Version,
    transport: Transport,
    kind: Kind,
    behaviour: impl AsyncFn(&Env) -> Outcome,
) {
    let server = Server::start(version).await;
    let client = Face::build(kind, server.client_builder(transport)).expect("the client can be built");
    let env = Env { server, version, transport, client };
    if let Err(failure) = behaviour(&env).await {
        panic!("{failure:?}");
    }
}

/// The code of the API's error that the call answered.
#[track_caller]
pub(crate) fn code<T: fmt::Debug>(result: Result<T, Error>) -> u32 {
    match result {
        Err(Error::Api(error)) => error.code,
        other => panic!("expected an error of the API, not {other:?}"),
    }
}

/// The error that the call answered.
#[track_caller]
pub(crate) fn failure<T: fmt::Debug>(result: Result<T, Error>) -> Error {
    match result {
        Err(error) => error,
        Ok(result) => panic!("expected an error, not {result:?}"),
    }
}

pub(crate) fn offsets(publications: &[Publication]) -> Vec<u64> {
    publications.iter().map(|publication| publication.offset).collect()
}

/// Makes the tests of behaviours, `BEHAVIOUR::TRANSPORT_VERSION`:
///
/// - `everywhere`: over each transport, to each version, and by the blocking client to 6.9.1
/// - `lacking_in_5_4_9`: over each transport, by both clients, to 6.9.1 alone
/// - `legacy_commands`: by command lines, to 6.9.1 and 3.2.3; `legacy_commands_of_6_9_1`: to 6.9.1 alone
/// - `across_transports`: to each version, for behaviours that use both transports themselves
macro_rules! behaviours {
    (everywhere: $($name:ident),+ $(,)?) => {
        $(behaviours! {
            @ $name
            http_6_9_1 #[cfg(feature = "http")] V6 Http Async
            blocking_http_6_9_1 #[cfg(all(feature = "http", feature = "blocking"))] V6 Http Blocking
            http_5_4_9 #[cfg(feature = "http")] V5 Http Async
            grpc_6_9_1 #[cfg(feature = "grpc")] V6 Grpc Async
            blocking_grpc_6_9_1 #[cfg(all(feature = "grpc", feature = "blocking"))] V6 Grpc Blocking
            grpc_5_4_9 #[cfg(feature = "grpc")] V5 Grpc Async
        })+
    };
    (lacking_in_5_4_9: $($name:ident),+ $(,)?) => {
        $(behaviours! {
            @ $name
            http_6_9_1 #[cfg(feature = "http")] V6 Http Async
            blocking_http_6_9_1 #[cfg(all(feature = "http", feature = "blocking"))] V6 Http Blocking
            grpc_6_9_1 #[cfg(feature = "grpc")] V6 Grpc Async
            blocking_grpc_6_9_1 #[cfg(all(feature = "grpc", feature = "blocking"))] V6 Grpc Blocking
        })+
    };
    (across_transports: $($name:ident),+ $(,)?) => {
        $(behaviours! {
            @ $name
            http_then_grpc_6_9_1 #[cfg(all(feature = "http", feature = "grpc"))] V6 Http Async
            http_then_grpc_5_4_9 #[cfg(all(feature = "http", feature = "grpc"))] V5 Http Async
            grpc_then_http_6_9_1 #[cfg(all(feature = "http", feature = "grpc"))] V6 Grpc Async
            grpc_then_http_5_4_9 #[cfg(all(feature = "http", feature = "grpc"))] V5 Grpc Async
        })+
    };
    (legacy_commands: $($name:ident),+ $(,)?) => {
        behaviours! { @legacy legacy_6_9_1 V6 $($name)+ }
        behaviours! { @legacy legacy_3_2_3 V3 $($name)+ }
    };
    (legacy_commands_of_6_9_1: $($name:ident),+ $(,)?) => {
        behaviours! { @legacy legacy_6_9_1_alone V6 $($name)+ }
    };
    (@legacy $module:ident $version:ident $($name:ident)+) => {
        #[cfg(feature = "http")]
        mod $module {
            $(
                #[tokio::test]
                async fn $name() {
                    use crate::face::Kind;
                    use crate::server::{Transport, Version};
                    crate::env::run(Version::$version, Transport::Http, Kind::Legacy, super::$name).await;
                }
            )+
        }
    };
    (@ $name:ident $($case:ident #[$condition:meta] $version:ident $transport:ident $kind:ident)+) => {
        mod $name {
            $(
                #[$condition]
                #[tokio::test]
                async fn $case() {
                    use crate::face::Kind;
                    use crate::server::{Transport, Version};
                    crate::env::run(Version::$version, Transport::$transport, Kind::$kind, super::$name).await;
                }
            )+
        }
    };
}
