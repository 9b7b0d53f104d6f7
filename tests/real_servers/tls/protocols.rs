//! The HTTP version that is spoken over TLS.

use super::*;
use crate::sniffer::Sniffer;

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn http_2_is_used_if_it_is_offered() -> Outcome {
    let authority = Authority::new()?;
    let server = start_with_tls(&authority.certify("127.0.0.1")?, &[]).await;
    let sniffer = Sniffer::to(&format!("127.0.0.1:{}", server.http_port)).await?;
    let client = Client::builder(format!("https://{}/api", sniffer.address))
        .api_key(HTTP_KEY)
        .root_certificate(authority.pem())
        .build()?;
    client.info(InfoRequest::new()).await?;
    // More than one if the first dial took long.
    let made = sniffer.seen().peers.len();
    let calls = (0..50).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.info(InfoRequest::new()).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await??;
    }
    // HTTP/1.1 would need a connection for each call in flight.
    assert_eq!(sniffer.seen().peers.len(), made);
    Ok(())
}
