//! The gRPC service: what it answers to Centrifugo's calls, and to others.
#![cfg(feature = "grpc")]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use centrifugo_proxy::messages::{ConnectRequest, ConnectResponse, RpcRequest, RpcResponse};
use centrifugo_proxy::{Caller, ClientError, ConnectReply, Disconnect, Handlers, Reject, RpcReply};
use futures_util::{StreamExt as _, stream};
use http::uri::PathAndQuery;
use http_body::{Body, Frame};
use http_body_util::{Full, StreamBody};
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;
use tower::ServiceExt as _;

const BANNED: Disconnect = Disconnect::constant(4500, "banned");
const DENIED: ClientError = ClientError::constant(403, "denied");

fn anyone() -> Handlers {
    Handlers::new(Caller::anyone())
}

fn path(rpc: &str) -> PathAndQuery {
    let path = format!("/centrifugal.centrifugo.proxy.CentrifugoProxy/{rpc}");
    path.parse().expect("the path is valid")
}

/// Calls an rpc of the service within the process, as Centrifugo does over a connection.
async fn call<Q, R>(handlers: &Handlers, rpc: &str, request: Request<Q>) -> Result<R, Status>
where
    Q: prost::Message + 'static,
    R: prost::Message + Default + 'static,
{
    let mut client = Grpc::new(handlers.grpc());
    let codec = ProstCodec::<Q, R>::default();
    let response = client.unary(request, path(rpc), codec).await?;
    Ok(response.into_inner())
}

async fn rpc(handlers: &Handlers, request: RpcRequest) -> Result<RpcResponse, Status> {
    call(handlers, "RPC", Request::new(request)).await
}

fn echo() -> Handlers {
    anyone().rpc(|event| async move { Ok(RpcReply::new(event.data().clone())) })
}

#[tokio::test]
async fn payloads_go_back_as_they_came() -> Result<(), Status> {
    let binary = RpcRequest::default()
        .protocol("protobuf")
        .data(vec![0, 255]);
    let result = rpc(&echo(), binary).await?.result.unwrap_or_default();
    assert_eq!(result.data, vec![0, 255]);
    let encoded = RpcRequest::default().encoding("binary").b64data("AP8=");
    let result = rpc(&echo(), encoded).await?.result.unwrap_or_default();
    assert_eq!(result.data, vec![0, 255]);
    assert_eq!(result.b64data, "");
    Ok(())
}

#[tokio::test]
async fn client_that_uses_json_gets_no_other_bytes() {
    let request = RpcRequest::default().protocol("json");
    for request in [
        request.clone().encoding("json").data(vec![0, 255]),
        request.encoding("binary").b64data("AP8="),
    ] {
        let status = rpc(&echo(), request).await;
        let status = status.expect_err("the reply is not JSON");
        assert_eq!(status.code(), Code::Internal);
        assert_eq!(status.message(), "");
    }
}

#[tokio::test]
async fn refusals_are_answers() -> Result<(), Status> {
    let handlers = anyone().connect(|event| async move {
        match event.name() {
            "banned" => Err(BANNED.into()),
            "denied" => Err(DENIED.into()),
            _ => Ok(ConnectReply::user("42")),
        }
    });
    let connect = async |name: &str| {
        let request = Request::new(ConnectRequest::default().name(name));
        call::<_, ConnectResponse>(&handlers, "Connect", request).await
    };
    let banned = connect("banned").await?.disconnect.unwrap_or_default();
    assert_eq!(banned.code, 4500);
    let denied = connect("denied").await?.error.unwrap_or_default();
    assert_eq!(denied.message, "denied");
    let accepted = connect("x").await?.result.unwrap_or_default();
    assert_eq!(accepted.user, "42");
    Ok(())
}

#[tokio::test]
async fn failures_are_statuses_without_their_causes() {
    let handlers = echo()
        .body_limit(100)
        .timeout(Duration::from_millis(50))
        .connect(|event| async move {
            match event.name() {
                "panic" => panic!("secret"),
                "hang" => std::future::pending().await,
                _ => Err(Reject::Failed("secret".into())),
            }
        });
    for (name, code) in [
        ("panic", Code::Internal),
        ("error", Code::Internal),
        ("hang", Code::DeadlineExceeded),
    ] {
        let request = Request::new(ConnectRequest::default().name(name));
        let status = call::<_, ConnectResponse>(&handlers, "Connect", request).await;
        let status = status.expect_err("the handler fails");
        assert_eq!(status.code(), code, "{name}");
        assert!(!status.message().contains("secret"), "{name}");
    }
    let large = RpcRequest::default().data(vec![b'1'; 200]);
    let status = rpc(&handlers, large)
        .await
        .expect_err("the message is too large");
    assert_eq!(status.code(), Code::ResourceExhausted);
    let invalid = RpcRequest::default().b64data("!");
    let status = rpc(&handlers, invalid)
        .await
        .expect_err("the base64 is invalid");
    assert_eq!(status.code(), Code::InvalidArgument);
    for unknown in ["Publish", "Nothing", "connect"] {
        let request = Request::new(RpcRequest::default());
        let status = call::<_, RpcResponse>(&handlers, unknown, request).await;
        assert_eq!(status.expect_err("no handler").code(), Code::Unimplemented);
    }
}

#[tokio::test]
async fn caller_without_secret_is_unauthenticated() -> Result<(), Box<dyn std::error::Error>> {
    let caller = Caller::with_secret("s3cret")?;
    let handlers = Handlers::new(caller).rpc(|_| async { Ok(RpcReply::empty()) });
    let status = rpc(&handlers, RpcRequest::default()).await;
    assert_eq!(status.expect_err("no secret").code(), Code::Unauthenticated);
    let unknown = Request::new(RpcRequest::default());
    let status = call::<_, RpcResponse>(&handlers, "Nothing", unknown).await;
    assert_eq!(status.expect_err("no secret").code(), Code::Unauthenticated);
    let mut request = Request::new(RpcRequest::default());
    let secret = MetadataValue::from_static("s3cret");
    request.metadata_mut().insert("x-centrifugo-secret", secret);
    call::<_, RpcResponse>(&handlers, "RPC", request).await?;
    Ok(())
}

#[tokio::test]
async fn request_that_is_not_of_grpc_is_refused() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let failures = Arc::clone(&seen);
    let handlers = echo().on_failure(move |failed| {
        let mut failures = failures.lock().expect("no other test panics");
        failures.push(failed.failure().kind());
    });
    for (method, content_type, kinds) in [
        ("POST", "application/grpc", vec![]),
        ("POST", "application/grpc+proto", vec![]),
        ("GET", "application/grpc", vec!["method"]),
        ("POST", "application/grpc-web", vec!["content_type"]),
        ("POST", "application/json", vec!["content_type"]),
        ("POST", "text/plain", vec!["content_type"]),
        ("POST", "", vec!["content_type"]),
    ] {
        let empty_message = Bytes::from_static(&[0, 0, 0, 0, 0]);
        let request = http::Request::builder()
            .method(method)
            .uri(path("RPC"))
            .header("content-type", content_type)
            .body(Full::new(empty_message))
            .expect("the request is valid");
        let Ok(response) = handlers.grpc().oneshot(request).await;
        let status = Status::from_header_map(response.headers());
        let code = status.map_or(Code::Ok, |status| status.code());
        let expected = if kinds.is_empty() {
            Code::Ok
        } else {
            Code::InvalidArgument
        };
        assert_eq!(code, expected, "{method} {content_type}");
        let seen = std::mem::take(&mut *seen.lock().expect("no other test panics"));
        assert_eq!(seen, kinds, "{method} {content_type}");
    }
}

/// Sends the bytes of a body to the rpc `RPC`, and returns the code of the response.
async fn code_of<B>(handlers: &Handlers, body: B) -> Code
where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let request = http::Request::post(path("RPC")).header("content-type", "application/grpc");
    let request = request.body(body).expect("the request is valid");
    let Ok(response) = handlers.grpc().oneshot(request).await;
    let status = Status::from_header_map(response.headers());
    status.map_or(Code::Ok, |status| status.code())
}

/// Returns a body that begins so and never ends.
fn endless(beginning: &'static [u8]) -> impl Body<Data = Bytes, Error = Infallible> {
    let first = stream::iter([Ok(Frame::data(Bytes::from_static(beginning)))]);
    StreamBody::new(first.chain(stream::pending()))
}

#[tokio::test]
async fn bodies_that_are_no_event_are_invalid_arguments() {
    let bodies: [&[u8]; 6] = [
        b"",                   // nothing
        b"\0\0",               // a part of the head
        b"\0\0\0\0\x09\x0a",   // a part of the message
        b"\0\0\0\0\x01\xff",   // no message
        b"\x02\0\0\0\0",       // an unknown compression
        b"\x01\0\0\0\x01\x0a", // compressed, but by nothing that the head names
    ];
    for body in bodies {
        let code = code_of(&echo(), Full::new(Bytes::from_static(body))).await;
        assert_eq!(code, Code::InvalidArgument, "{body:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn caller_that_hangs_within_its_message_is_not_waited_for() {
    for beginning in [&b"\0\0"[..], b"\0\0\0\0\x09\x0a"] {
        let code = code_of(&echo(), endless(beginning)).await;
        assert_eq!(code, Code::DeadlineExceeded, "{beginning:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn caller_without_secret_is_refused_before_its_message_is_read() {
    let caller = Caller::with_secret("s3cret").expect("the secret is valid");
    let handlers = Handlers::new(caller).rpc(|_| async { Ok(RpcReply::empty()) });
    assert_eq!(
        code_of(&handlers, endless(b"")).await,
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn limit_is_that_of_the_message_before_it_was_compressed() {
    let handlers = echo().body_limit(10_000);
    for (length, code) in [(5_000, Code::Ok), (1_000_000, Code::ResourceExhausted)] {
        let client = Grpc::new(handlers.grpc());
        let mut client = client.send_compressed(CompressionEncoding::Gzip);
        let request = RpcRequest::default().data(vec![b'1'; length]);
        let codec = ProstCodec::<RpcRequest, RpcResponse>::default();
        let called = client.unary(Request::new(request), path("RPC"), codec);
        let answered = called.await.err().map_or(Code::Ok, |status| status.code());
        assert_eq!(answered, code, "{length}");
    }
}

#[tokio::test]
async fn compressed_messages_are_read_and_written() -> Result<(), Status> {
    let mut client = Grpc::new(echo().grpc())
        .send_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Gzip);
    let data = format!("\"{}\"", "x".repeat(10_000));
    let request = RpcRequest::default().data(data.clone());
    let codec = ProstCodec::<RpcRequest, RpcResponse>::default();
    let response = client
        .unary(Request::new(request), path("RPC"), codec)
        .await?;
    assert_eq!(
        response.metadata().get("grpc-encoding"),
        Some(&MetadataValue::from_static("gzip"))
    );
    let result = response.into_inner().result.unwrap_or_default();
    assert_eq!(result.data, data);
    Ok(())
}

#[tokio::test]
async fn message_without_compression_is_answered_without_it() -> Result<(), Status> {
    let mut client = Grpc::new(echo().grpc()).accept_compressed(CompressionEncoding::Gzip);
    let request = RpcRequest::default().data(format!("\"{}\"", "x".repeat(10_000)));
    let codec = ProstCodec::<RpcRequest, RpcResponse>::default();
    let response = client
        .unary(Request::new(request), path("RPC"), codec)
        .await?;
    assert_eq!(response.metadata().get("grpc-encoding"), None);
    Ok(())
}
