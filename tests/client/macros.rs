//! Macros that make tests of behaviours.

/// Makes a test of each behaviour over each transport, on the embedded server and on Centrifugo 6.9.1:
/// `BEHAVIOUR::TRANSPORT_SERVER`.
macro_rules! over_each_transport {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[cfg(feature = "_http")]
            #[tokio::test]
            async fn http_embedded() -> crate::Outcome {
                use crate::server::{Backend, Transport};
                super::$name(crate::start(Backend::Embedded, Transport::Http).await).await
            }

            #[cfg(feature = "_http")]
            #[tokio::test]
            #[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
            async fn http_6_9_1() -> crate::Outcome {
                use crate::server::{Backend, Transport, Version};
                super::$name(crate::start(Backend::Real(Version::V6), Transport::Http).await).await
            }

            #[cfg(feature = "grpc")]
            #[tokio::test]
            async fn grpc_embedded() -> crate::Outcome {
                use crate::server::{Backend, Transport};
                super::$name(crate::start(Backend::Embedded, Transport::Grpc).await).await
            }

            #[cfg(feature = "grpc")]
            #[tokio::test]
            #[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
            async fn grpc_6_9_1() -> crate::Outcome {
                use crate::server::{Backend, Transport, Version};
                super::$name(crate::start(Backend::Real(Version::V6), Transport::Grpc).await).await
            }
        }
    )+};
}
