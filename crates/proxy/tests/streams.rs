//! Subscriptions with a stream over gRPC: the answer, publications, ends and failures.
#![cfg(feature = "grpc")]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use centrifugo_proxy::messages::{
    Publication, StreamSubscribeRequest, StreamSubscribeResponse, SubscribeRequest,
};
use centrifugo_proxy::{
    Caller, Disconnect, EventKind, Failed, Handlers, StreamPublication, StreamSubscribeReply,
    stream_until,
};
use futures_util::{StreamExt as _, stream};
use http::uri::PathAndQuery;
use tokio::sync::{mpsc, oneshot};
use tonic::client::Grpc;
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

const BANNED: Disconnect = Disconnect::constant(4500, "banned");

fn anyone() -> Handlers {
    Handlers::new(Caller::anyone())
}

fn path(rpc: &str) -> PathAndQuery {
    let path = format!("/centrifugal.centrifugo.proxy.CentrifugoProxy/{rpc}");
    path.parse().expect("the path is valid")
}

/// Opens a unidirectional stream.
async fn open(handlers: &Handlers) -> Result<Streaming<StreamSubscribeResponse>, Status> {
    let mut client = Grpc::new(handlers.grpc());
    let request = SubscribeRequest::default().channel("news").protocol("json");
    let codec = ProstCodec::<SubscribeRequest, StreamSubscribeResponse>::default();
    let path = path("SubscribeUnidirectional");
    let response = client
        .server_streaming(Request::new(request), path, codec)
        .await?;
    Ok(response.into_inner())
}

fn data(response: Option<StreamSubscribeResponse>) -> Option<Bytes> {
    Some(response?.publication?.data)
}

#[tokio::test]
async fn stream_is_the_answer_then_publications_then_its_end() -> Result<(), Status> {
    let handlers = anyone().subscribe_unidirectional(|event| async move {
        let channel = event.channel().to_owned();
        let publications = [
            Ok(StreamPublication::new(format!("\"{channel}\""))),
            Ok(StreamPublication::new("2").tags([("a", "b")])),
        ];
        Ok((
            StreamSubscribeReply::allow().data("[1]"),
            stream::iter(publications),
        ))
    });
    let mut stream = open(&handlers).await?;
    let first = stream
        .message()
        .await?
        .and_then(|first| first.subscribe_response);
    let result = first.and_then(|first| first.result).unwrap_or_default();
    assert_eq!(result.data, "[1]");
    assert_eq!(data(stream.message().await?), Some("\"news\"".into()));
    let second = stream
        .message()
        .await?
        .and_then(|second| second.publication);
    assert_eq!(second.unwrap_or_default().tags["a"], "b");
    assert_eq!(stream.message().await?, None);
    Ok(())
}

#[tokio::test]
async fn refused_stream_has_the_refusal_alone() -> Result<(), Status> {
    let handlers = anyone()
        .subscribe_unidirectional(|_| async { Err::<(_, stream::Empty<_>), _>(BANNED.into()) });
    let mut stream = open(&handlers).await?;
    let first = stream
        .message()
        .await?
        .and_then(|first| first.subscribe_response);
    let disconnect = first.and_then(|first| first.disconnect).unwrap_or_default();
    assert_eq!(disconnect.code, 4500);
    assert_eq!(stream.message().await?, None);
    Ok(())
}

#[tokio::test]
async fn failed_stream_ends_with_a_status_and_is_told_to_the_hook() -> Result<(), Status> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let handlers = anyone()
        .subscribe_unidirectional(|event| async move {
            let last = match event.token() {
                "not JSON" => Ok(StreamPublication::new("{")),
                _ => Err(Failed("secret".into())),
            };
            let publications = [Ok(StreamPublication::new("1")), last];
            Ok((StreamSubscribeReply::allow(), stream::iter(publications)))
        })
        .on_failure(move |failed| {
            let mut told = told.lock().expect("no other test panics");
            told.push((failed.kind(), failed.failure().kind()));
        });
    let mut stream = open(&handlers).await?;
    stream.message().await?;
    assert_eq!(data(stream.message().await?), Some("1".into()));
    let status = stream.message().await.expect_err("the stream fails");
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(status.message(), "");
    let kind = Some(EventKind::SubscribeUnidirectional);
    let seen = seen.lock().expect("no other test panics");
    assert_eq!(*seen, [(kind, "handler")]);
    Ok(())
}

#[tokio::test]
async fn stream_until_shutdown_ends_without_a_failure_being_told()
-> Result<(), Box<dyn std::error::Error>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let (shutdown, has_begun) = tokio::sync::watch::channel(false);
    let handlers = anyone()
        .subscribe_unidirectional(move |_| {
            let mut has_begun = has_begun.clone();
            let end = async move { drop(has_begun.wait_for(|begun| *begun).await) };
            let publications = stream::iter([Ok(StreamPublication::new("1"))]);
            let publications = publications.chain(stream::pending());
            async move {
                Ok((
                    StreamSubscribeReply::allow(),
                    stream_until(end, publications),
                ))
            }
        })
        .on_failure(move |failed| {
            let mut told = told.lock().expect("no other test panics");
            told.push(failed.to_string());
        });
    let mut stream = open(&handlers).await?;
    stream.message().await?;
    assert_eq!(data(stream.message().await?), Some("1".into()));
    shutdown.send(true)?;
    let status = stream.message().await.expect_err("it is not a usual end");
    assert_eq!(status.code(), Code::Unavailable);
    let seen = seen.lock().expect("no other test panics");
    assert_eq!(*seen, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn stream_that_nobody_reads_is_polled_no_further() -> Result<(), Status> {
    let polled = Arc::new(Mutex::new(0));
    let count = Arc::clone(&polled);
    let handlers = anyone().subscribe_unidirectional(move |_| {
        let count = Arc::clone(&count);
        let publications = stream::repeat_with(move || {
            *count.lock().expect("no other test panics") += 1;
            Ok(StreamPublication::new("1"))
        });
        async move { Ok((StreamSubscribeReply::allow(), publications)) }
    });
    let mut stream = open(&handlers).await?;
    stream.message().await?;
    tokio::task::yield_now().await;
    let polled = *polled.lock().expect("no other test panics");
    assert!(polled < 100_000, "{polled} publications were taken for one");
    Ok(())
}

#[tokio::test]
async fn bidirectional_stream_gets_what_the_client_publishes() -> Result<(), Status> {
    let handlers = anyone().subscribe_bidirectional(|_, publications| async move {
        let answers = publications.map(|data| Ok(StreamPublication::new(data)));
        Ok((StreamSubscribeReply::allow(), answers))
    });
    let (sender, requests) = mpsc::unbounded_channel();
    let requests = stream::unfold(requests, |mut requests| async move {
        let request = requests.recv().await?;
        Some((request, requests))
    });
    let send = |request| sender.send(request).expect("the stream is open");
    let subscribe = SubscribeRequest::default().channel("news");
    send(StreamSubscribeRequest::default().subscribe_request(subscribe));
    let mut client = Grpc::new(handlers.grpc());
    let codec = ProstCodec::<StreamSubscribeRequest, StreamSubscribeResponse>::default();
    let path = path("SubscribeBidirectional");
    let response = client
        .streaming(Request::new(requests), path, codec)
        .await?;
    let mut stream = response.into_inner();
    stream.message().await?;
    for text in ["1", "[2]"] {
        let publication = Publication::default().data(text);
        send(StreamSubscribeRequest::default().publication(publication));
        assert_eq!(data(stream.message().await?), Some(text.into()));
    }
    drop(sender);
    assert_eq!(stream.message().await?, None);
    Ok(())
}

#[tokio::test]
async fn bidirectional_stream_must_begin_with_the_subscription() {
    let handlers = anyone().subscribe_bidirectional(|_, publications| async move {
        let answers = publications.map(|data| Ok(StreamPublication::new(data)));
        Ok((StreamSubscribeReply::allow(), answers))
    });
    for requests in [vec![], vec![StreamSubscribeRequest::default()]] {
        let mut client = Grpc::new(handlers.grpc());
        let codec = ProstCodec::<StreamSubscribeRequest, StreamSubscribeResponse>::default();
        let path = path("SubscribeBidirectional");
        let requests = Request::new(stream::iter(requests));
        let response = client.streaming(requests, path, codec).await;
        let status = response.map(drop).expect_err("there is no subscription");
        assert_eq!(status.code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn bidirectional_stream_with_a_large_subscription_is_above_the_limit() {
    let handlers = anyone()
        .body_limit(100)
        .subscribe_bidirectional(|_, _| async {
            Ok((StreamSubscribeReply::allow(), stream::empty()))
        });
    let subscribe = SubscribeRequest::default().channel("x".repeat(200));
    let requests = [StreamSubscribeRequest::default().subscribe_request(subscribe)];
    let mut client = Grpc::new(handlers.grpc());
    let codec = ProstCodec::<StreamSubscribeRequest, StreamSubscribeResponse>::default();
    let path = path("SubscribeBidirectional");
    let requests = Request::new(stream::iter(requests));
    let response = client.streaming(requests, path, codec).await;
    let status = response.map(drop).expect_err("the message is too large");
    assert_eq!(status.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn publication_that_cannot_be_read_fails_a_bidirectional_stream() -> Result<(), Status> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let failures = Arc::clone(&seen);
    let handlers = anyone()
        .body_limit(100)
        .on_failure(move |failed| {
            let mut failures = failures.lock().expect("no other test panics");
            failures.push(failed.failure().kind());
        })
        .subscribe_bidirectional(|_, publications| async move {
            let answers = publications.map(|data| Ok(StreamPublication::new(data)));
            Ok((StreamSubscribeReply::allow(), answers))
        });
    let publish = |data: String| {
        let publication = Publication::default().data(data);
        StreamSubscribeRequest::default().publication(publication)
    };
    let requests = [
        StreamSubscribeRequest::default().subscribe_request(SubscribeRequest::default()),
        publish("1".to_owned()),
        publish("1".repeat(200)),
    ];
    let mut client = Grpc::new(handlers.grpc());
    let codec = ProstCodec::<StreamSubscribeRequest, StreamSubscribeResponse>::default();
    let path = path("SubscribeBidirectional");
    let requests = Request::new(stream::iter(requests));
    let response = client.streaming(requests, path, codec).await?;
    let mut stream = response.into_inner();
    stream.message().await?;
    assert_eq!(data(stream.message().await?), Some("1".into()));
    let status = stream.message().await.expect_err("the stream fails");
    assert_eq!(status.code(), Code::ResourceExhausted);
    let seen = seen.lock().expect("no other test panics");
    assert_eq!(*seen, ["too_large"]);
    Ok(())
}

#[tokio::test]
async fn stream_of_a_client_that_goes_away_is_dropped() -> Result<(), Box<dyn std::error::Error>> {
    struct Guard(Option<oneshot::Sender<()>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            let sender = self.0.take().expect("it is dropped once");
            let _ = sender.send(());
        }
    }
    let (sender, dropped) = oneshot::channel();
    let guard = Mutex::new(Some(Guard(Some(sender))));
    let handlers = anyone().subscribe_unidirectional(move |_| {
        let guard = guard.lock().expect("no other test panics").take();
        let publications = stream::pending().map(move |item: Result<_, _>| {
            let _ = &guard;
            item
        });
        async move { Ok((StreamSubscribeReply::allow(), publications)) }
    });
    let mut stream = open(&handlers).await?;
    stream.message().await?;
    drop(stream);
    dropped.await?;
    Ok(())
}
