//! The start of a service: failures of TLS, which waiting does not mend.

use centrifugo_api::Client;
use centrifugo_api_testing::Server;

use crate::authority::Authority;
use crate::front::{Front, Manner, acceptor};
use crate::{Outcome, PATIENCE, address};

#[tokio::test]
async fn failure_of_tls_is_returned_at_once() -> Outcome {
    let server = Server::start()?;
    let behind = address(&server);
    let identity = Authority::new()?.certify("127.0.0.1")?.identity();
    for scheme in ["https", "grpcs"] {
        let tls = acceptor(&identity)?;
        let front = Front::start(behind.parse()?, Some(tls), |_| Manner::Pass).await?;
        let cases = [
            (front.address.to_string(), "from an unknown authority"),
            (behind.to_string(), "does not speak TLS on this port"),
        ];
        for (address, expected) in cases {
            let client = Client::builder(format!("{scheme}://{address}")).build()?;
            let error = client.wait_until_ready(PATIENCE).await.unwrap_err();
            let text = error.to_string();
            assert!(error.is_network() && text.contains(expected), "{error:?}");
            assert_eq!(error.attempts(), 1, "{scheme}");
        }
    }
    Ok(())
}
