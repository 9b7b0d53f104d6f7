//! The requests that a service gets, and the results of its replies.

use std::time::Duration;

use centrifugo_api::{
    Coalescing, HistoryRequest, IntoPayload as _, PresenceRequest, PublishRequest, Retry,
};
use tokio::sync::mpsc;

use crate::double::{Double, Over, read};
use crate::{KEY, Outcome, publication, publish};

#[tokio::test]
async fn service_gets_the_whole_request() -> Outcome {
    for over in Over::all() {
        let (sender, mut requests) = mpsc::unbounded_channel();
        let double = Double::new(move |request| {
            let sender = sender.clone();
            async move {
                let head = (
                    request.method().clone(),
                    request.uri().to_string(),
                    request.headers().clone(),
                );
                let peeked = request.body().peek();
                let body = read(request).await?;
                assert_eq!(peeked, Some(body.clone()));
                sender.send((head, body))?;
                Ok(over.published(7))
            }
        });
        let builder = over.service(double).header("X-One", "1").user_agent("mine");
        let client = builder.build()?.with_header("X-Two", "2")?;
        assert_eq!(publish(&client).await?.offset, 7, "{over:?}");

        let ((method, uri, headers), body) = requests.recv().await.expect("a request");
        let (expected_uri, content_type, key) = match over {
            Over::Http => (
                "http://centrifugo:8000/api/publish",
                "application/json",
                ("x-api-key", KEY.to_owned()),
            ),
            Over::Grpc => (
                "http://centrifugo:10000/centrifugal.centrifugo.api.CentrifugoApi/Publish",
                "application/grpc",
                ("authorization", format!("apikey {KEY}")),
            ),
        };
        assert_eq!((method.as_str(), uri.as_str()), ("POST", expected_uri));
        for (name, value) in [
            ("content-type", content_type),
            (key.0, &key.1),
            ("x-one", "1"),
            ("x-two", "2"),
            ("user-agent", "mine"),
        ] {
            assert_eq!(headers[name], value, "{over:?}: {name}");
        }
        for name in ["host", "content-length", "connection"] {
            assert!(!headers.contains_key(name), "{over:?}: {name}");
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        assert!(text.contains("hello"), "{over:?}: {text}");
    }
    Ok(())
}

#[tokio::test]
async fn long_payload_reaches_the_service_whole() -> Outcome {
    let long = format!("\"{}\"", "x".repeat(200_000));
    for over in Over::all() {
        let expected = long.clone();
        let double = move |request| {
            let expected = expected.clone();
            async move {
                let body = read(request).await?;
                let text = String::from_utf8_lossy(&body).into_owned();
                assert!(text.contains(&expected), "{over:?}: {} bytes", body.len());
                Ok(over.published(1))
            }
        };
        let client = over.double(double).build()?;
        let request = PublishRequest::new("news", long.clone().into_payload());
        client.publish(request).await?;
    }
    Ok(())
}

#[cfg(feature = "service")]
#[tokio::test]
async fn service_takes_encrypted_urls_and_other_endpoints() -> Outcome {
    let double = Double::new(async |request| {
        let uri = request.uri().to_string();
        read(request).await?;
        let is_raw = uri.ends_with("/my_method");
        let reply = if is_raw {
            r#"{"result":3}"#
        } else {
            "{\"result\":{}}"
        };
        Ok(http::Response::new(reply.into()))
    });
    let builder = centrifugo_api::Client::builder("https://centrifugo.example/api");
    let client = builder.http_service(double.clone()).build()?;
    client.info(centrifugo_api::InfoRequest::new()).await?;
    let result: u8 = client.call_raw("my_method", &serde_json::json!({})).await?;
    assert_eq!(result, 3);
    let legacy = centrifugo_api::Client::builder("http://centrifugo/old");
    let legacy = legacy.http_service(double.clone()).legacy_commands();
    legacy
        .build()?
        .info(centrifugo_api::InfoRequest::new())
        .await?;
    assert_eq!(
        double.uris(),
        [
            "https://centrifugo.example/api/info",
            "https://centrifugo.example/api/my_method",
            "http://centrifugo/old"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn calls_share_batches_through_a_service() -> Outcome {
    for over in Over::all() {
        let double = Double::new(move |request| async move {
            let is_batch = request.uri().path().to_lowercase().ends_with("batch");
            read(request).await?;
            if is_batch {
                tokio::task::yield_now().await;
            }
            Err("no reply".into())
        });
        let builder = over.service(double.clone()).retry(Retry::none());
        let client = builder.build()?.coalescing(Coalescing::default());
        let (presence, history) = tokio::join!(
            client.presence(PresenceRequest::new("news")),
            client.history(HistoryRequest::new("news"))
        );
        assert!(presence.is_err() && history.is_err(), "{over:?}");
        assert_eq!(double.calls(), 1, "{over:?}: {:?}", double.uris());
    }
    Ok(())
}

#[tokio::test]
async fn client_is_closed_while_a_service_works() -> Outcome {
    for over in Over::all() {
        let client = over
            .double(move |request| async move {
                read(request).await?;
                tokio::task::yield_now().await;
                Ok(over.published(1))
            })
            .build()?;
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.publish(publication()).await }
        });
        tokio::task::yield_now().await;
        client.close(Duration::from_secs(10)).await?;
        assert!(call.await?.is_ok(), "{over:?}");
    }
    Ok(())
}
