//! The attempts, keys and ids that results tell.

use centrifugo_api::{BatchRequest, BroadcastRequest, Coalescing, PublishRequest};
use centrifugo_api_testing::{Fault, Server};

use crate::{Outcome, both_transports, keyed, quickly};

#[tokio::test]
async fn result_tells_attempts_key_and_id() -> Outcome {
    for (server, builder) in both_transports()? {
        let retry = quickly().idempotency_keys();
        let client = builder.retry(retry).request_ids().build()?;
        server.fail_next(1, Fault::close_before())?;
        let detailed = client
            .call_detailed(PublishRequest::new("news", "1"))
            .await?;
        assert_eq!(detailed.attempts, 2);
        assert_eq!(detailed.result.offset, 1, "it was published once");
        let requests = server.take_requests();
        let last = requests.last().ok_or("no request arrives")?;
        let sent: PublishRequest = last.request().ok_or("a publication arrives")?;
        assert_eq!(detailed.idempotency_key, Some(sent.idempotency_key));
        let id = detailed.request_id.ok_or("a result tells the id")?;
        assert_eq!(last.headers["x-request-id"], id.as_str());
    }
    Ok(())
}

#[tokio::test]
async fn result_of_a_broadcast_counts_the_attempts_of_its_channels() -> Outcome {
    for (server, builder) in both_transports()? {
        let client = builder.retry(quickly().idempotency_keys()).build()?;
        server.fail_next(1, Fault::api_error(100).channel("b"))?;
        let request = BroadcastRequest::new(["a", "b"], "1");
        let detailed = client.call_detailed(request).await?;
        assert_eq!(detailed.attempts, 2);
        assert!(detailed.idempotency_key.is_some());
        assert_eq!(
            detailed.idempotency_key.as_deref(),
            detailed.result.idempotency_key()
        );
        detailed.result.all_ok()?;
    }
    Ok(())
}

#[tokio::test]
async fn result_tells_nothing_that_there_was_not() -> Outcome {
    async fn check(server: &Server, client: &centrifugo_api::Client) -> Outcome {
        let detailed = client
            .call_detailed(PublishRequest::new("news", "1"))
            .await?;
        assert_eq!((detailed.attempts, detailed.idempotency_key), (1, None));
        assert_eq!(detailed.request_id, None);
        let batch = BatchRequest::new([keyed("1"), keyed("2")]);
        let detailed = client.call_detailed(batch).await?;
        assert_eq!((detailed.attempts, detailed.idempotency_key), (1, None));
        drop(server.take_requests());
        Ok(())
    }
    for (server, builder) in both_transports()? {
        let client = builder.build()?;
        check(&server, &client).await?;
        check(&server, &client.coalescing(Coalescing::default())).await?;
    }
    Ok(())
}
