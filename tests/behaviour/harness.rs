//! The environment of a behaviour, and the macro that makes tests of behaviours.

use std::fmt;
use std::panic::Location;

use centrifugo_api::{Error, Publication, PublishRequest, PublishResult};

use crate::client_kind::{ClientKind, ClientUnderTest};
use crate::server::{Backend, Server, Transport, Version};

/// A server for one test, and a client over one of the transports.
pub(crate) struct Env {
    pub(crate) server: Server,
    pub(crate) backend: Backend,
    /// The version that the server is or behaves like.
    pub(crate) version: Version,
    pub(crate) transport: Transport,
    pub(crate) client: ClientUnderTest,
}

impl Env {
    /// Returns a client over the other transport.
    #[cfg(all(feature = "_http", feature = "grpc"))]
    pub(crate) fn other_client(&self) -> ClientUnderTest {
        self.server.client(self.transport.other()).into()
    }

    /// Publishes JSON.
    pub(crate) async fn publish(&self, channel: &str, data: &str) -> Result<PublishResult, Error> {
        self.client.call(PublishRequest::new(channel, data)).await
    }
}

/// The outcome of a behaviour; `?` takes any error.
pub(crate) type Outcome = Result<(), Failure>;

/// An error and the location of the `?` that returned it.
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

/// Runs a behaviour over one transport, with one kind of client, on one server.
pub(crate) async fn run(
    backend: Backend,
    transport: Transport,
    kind: ClientKind,
    behaviour: impl AsyncFn(&Env) -> Outcome,
) {
    let server = Server::start(backend).await;
    let client = ClientUnderTest::build(kind, server.client_builder(transport))
        .expect("the client can be built");
    let env = Env {
        server,
        backend,
        version: backend.version(),
        transport,
        client,
    };
    if let Err(failure) = behaviour(&env).await {
        panic!("{failure:?}");
    }
}

/// Returns the code of the API error that a call returned.
#[track_caller]
pub(crate) fn code<T: fmt::Debug>(result: Result<T, Error>) -> u32 {
    match result {
        Err(Error::Api(error)) => error.code,
        other => panic!("expected an error of the API, not {other:?}"),
    }
}

/// Returns the error that a call returned.
#[track_caller]
pub(crate) fn failure<T: fmt::Debug>(result: Result<T, Error>) -> Error {
    match result {
        Err(error) => error,
        Ok(result) => panic!("expected an error, not {result:?}"),
    }
}

pub(crate) fn offsets(publications: &[Publication]) -> Vec<u64> {
    publications
        .iter()
        .map(|publication| publication.offset)
        .collect()
}

/// Makes the tests of behaviours, `BEHAVIOUR::TRANSPORT_SERVER`, where the server is a version of
/// the real one or
/// `embedded`:
///
/// - `everywhere`: over each transport, on each server; with the blocking client on 6.9.1 and the
///   embedded server
/// - `on_real_servers`: the same without the embedded server, whose single port serves both
///   transports
/// - `lacking_in_5_4_9`: over each transport, with both clients, on 6.9.1 and the embedded server
///   only
/// - `legacy_commands`: by command lines, on 6.9.1, 3.2.3 and the embedded server;
///   `legacy_commands_of_6_9_1`: not on 3.2.3; `legacy_commands_on_real_servers`: not on the
///   embedded server
/// - `across_transports`: on each server, for behaviours that use both transports themselves
macro_rules! behaviours {
    (everywhere: $($name:ident),+ $(,)?) => {
        $(behaviours! {
            @ $name
            http_embedded #[cfg(feature = "_http")] Embedded Http Async
            http_6_9_1 #[cfg(feature = "_http")] Real(V6) Http Async
            http_5_4_9 #[cfg(feature = "_http")] Real(V5) Http Async
            blocking_http_embedded
                #[cfg(all(feature = "_http", feature = "blocking"))] Embedded Http Blocking
            blocking_http_6_9_1 #[cfg(all(feature = "_http", feature = "blocking"))] Real(V6) Http Blocking
            grpc_embedded #[cfg(feature = "grpc")] Embedded Grpc Async
            grpc_6_9_1 #[cfg(feature = "grpc")] Real(V6) Grpc Async
            grpc_5_4_9 #[cfg(feature = "grpc")] Real(V5) Grpc Async
            blocking_grpc_embedded
                #[cfg(all(feature = "grpc", feature = "blocking"))] Embedded Grpc Blocking
            blocking_grpc_6_9_1 #[cfg(all(feature = "grpc", feature = "blocking"))] Real(V6) Grpc Blocking
        })+
    };
    (on_real_servers: $($name:ident),+ $(,)?) => {
        $(behaviours! {
            @ $name
            http_6_9_1 #[cfg(feature = "_http")] Real(V6) Http Async
            http_5_4_9 #[cfg(feature = "_http")] Real(V5) Http Async
            blocking_http_6_9_1 #[cfg(all(feature = "_http", feature = "blocking"))] Real(V6) Http Blocking
            grpc_6_9_1 #[cfg(feature = "grpc")] Real(V6) Grpc Async
            grpc_5_4_9 #[cfg(feature = "grpc")] Real(V5) Grpc Async
            blocking_grpc_6_9_1 #[cfg(all(feature = "grpc", feature = "blocking"))] Real(V6) Grpc Blocking
        })+
    };
    (lacking_in_5_4_9: $($name:ident),+ $(,)?) => {
        $(behaviours! {
            @ $name
            http_embedded #[cfg(feature = "_http")] Embedded Http Async
            http_6_9_1 #[cfg(feature = "_http")] Real(V6) Http Async
            blocking_http_embedded
                #[cfg(all(feature = "_http", feature = "blocking"))] Embedded Http Blocking
            blocking_http_6_9_1 #[cfg(all(feature = "_http", feature = "blocking"))] Real(V6) Http Blocking
            grpc_embedded #[cfg(feature = "grpc")] Embedded Grpc Async
            grpc_6_9_1 #[cfg(feature = "grpc")] Real(V6) Grpc Async
            blocking_grpc_embedded
                #[cfg(all(feature = "grpc", feature = "blocking"))] Embedded Grpc Blocking
            blocking_grpc_6_9_1 #[cfg(all(feature = "grpc", feature = "blocking"))] Real(V6) Grpc Blocking
        })+
    };
    (across_transports: $($name:ident),+ $(,)?) => {
        $(behaviours! {
            @ $name
            http_then_grpc_embedded
                #[cfg(all(feature = "_http", feature = "grpc"))] Embedded Http Async
            http_then_grpc_6_9_1 #[cfg(all(feature = "_http", feature = "grpc"))] Real(V6) Http Async
            http_then_grpc_5_4_9 #[cfg(all(feature = "_http", feature = "grpc"))] Real(V5) Http Async
            grpc_then_http_embedded
                #[cfg(all(feature = "_http", feature = "grpc"))] Embedded Grpc Async
            grpc_then_http_6_9_1 #[cfg(all(feature = "_http", feature = "grpc"))] Real(V6) Grpc Async
            grpc_then_http_5_4_9 #[cfg(all(feature = "_http", feature = "grpc"))] Real(V5) Grpc Async
        })+
    };
    (legacy_commands: $($name:ident),+ $(,)?) => {
        behaviours! { @legacy legacy_embedded Embedded $($name)+ }
        behaviours! { @legacy legacy_6_9_1 Real(V6) $($name)+ }
        behaviours! { @legacy legacy_3_2_3 Real(V3) $($name)+ }
    };
    (legacy_commands_of_6_9_1: $($name:ident),+ $(,)?) => {
        behaviours! { @legacy legacy_embedded_alone Embedded $($name)+ }
        behaviours! { @legacy legacy_6_9_1_alone Real(V6) $($name)+ }
    };
    (legacy_commands_on_real_servers: $($name:ident),+ $(,)?) => {
        behaviours! { @legacy legacy_real_6_9_1 Real(V6) $($name)+ }
        behaviours! { @legacy legacy_real_3_2_3 Real(V3) $($name)+ }
    };
    (@legacy $module:ident Embedded $($name:ident)+) => {
        #[cfg(feature = "_http")]
        mod $module {
            $(behaviours! { @test $name super::$name, #[cfg(feature = "_http")] Embedded Http Legacy })+
        }
    };
    (@legacy $module:ident Real($version:ident) $($name:ident)+) => {
        #[cfg(feature = "_http")]
        mod $module {
            $(behaviours! { @test $name super::$name, #[cfg(feature = "_http")] Real($version) Http Legacy })+
        }
    };
    (@ $name:ident
        $($case:ident #[$condition:meta] $server:ident $(($version:ident))? $transport:ident $kind:ident)+
    ) => {
        mod $name {
            $(behaviours! {
                @test $case super::$name, #[$condition] $server $(($version))? $transport $kind
            })+
        }
    };
    (@test $test:ident $behaviour:path, #[$condition:meta] Embedded $transport:ident $kind:ident) => {
        #[$condition]
        #[tokio::test]
        async fn $test() {
            use crate::client_kind::ClientKind;
            use crate::server::{Backend, Transport};
            crate::harness::run(Backend::Embedded, Transport::$transport, ClientKind::$kind, $behaviour).await;
        }
    };
    (@test $test:ident $behaviour:path, #[$condition:meta] Real($version:ident) $transport:ident $kind:ident) => {
        #[$condition]
        #[tokio::test]
        #[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
        async fn $test() {
            use crate::client_kind::ClientKind;
            use crate::server::{Backend, Transport, Version};
            let backend = Backend::Real(Version::$version);
            crate::harness::run(backend, Transport::$transport, ClientKind::$kind, $behaviour).await;
        }
    };
}
