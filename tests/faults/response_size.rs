//! Replies above `max_response_size`: they are not read to their end, and the error names the
//! option.

use centrifugo_api::{Client, Error, RpcRequest, RpcResponse};

use crate::fake_grpc::Reply;
use crate::fake_http::Answer;
use crate::over_both_transports::{Server, always, reply, script};
use crate::{Outcome, Predicates, assert_says, predicates};

const LIMIT: usize = 1000;
/// More than the buffers between client and server hold.
const HUGE: usize = 64 * 1024 * 1024;

fn limited(server: &Server) -> Client {
    server
        .builder()
        .max_response_size(LIMIT)
        .build()
        .expect("the client is built")
}

async fn assert_too_large(server: &Server, case: &str) {
    let case = format!("{} {case}", server.transport());
    let error = limited(server)
        .rpc(RpcRequest::new("big"))
        .await
        .expect_err(&case);
    assert!(
        matches!(
            error,
            Error::Decode {
                method: Some("rpc"),
                ..
            }
        ),
        "{case}: {error:?}"
    );
    assert_eq!(predicates(&error), Predicates::default(), "{case}");
    assert_says(&error, "max_response_size, 1000 bytes", &case);
}

/// Returns a reply whose body over HTTP, or message over gRPC, has this length.
fn sized(length: usize) -> (Answer, Reply) {
    let reply_of = |payload: usize| {
        let json = format!(r#"{{"result":{{"data":"{}"}}}}"#, "x".repeat(payload));
        reply::<RpcResponse>(&json)
    };
    // The quotes belong to the payload. Around it are `{"result":{"data":…}}`, or over gRPC the
    // tags and lengths of two
    // fields, with two bytes per length.
    (reply_of(length - 22).0, reply_of(length - 8).1)
}

#[tokio::test]
async fn reply_at_the_limit_passes() -> Outcome {
    let (answer, reply) = sized(LIMIT);
    for server in always(answer, reply) {
        limited(&server).rpc(RpcRequest::new("big")).await?;
    }
    Ok(())
}

#[tokio::test]
async fn reply_a_byte_above_the_limit_is_too_large() {
    let (answer, reply) = sized(LIMIT + 1);
    for server in always(answer, reply) {
        assert_too_large(&server, "a byte above").await;
    }
}

#[tokio::test]
async fn announced_length_above_the_limit_is_not_read() {
    let head = Answer::head(200, &[("Content-Length", &HUGE.to_string())]);
    let prefix = [
        &[0],
        &u32::try_from(HUGE).expect("it fits").to_be_bytes()[..],
    ]
    .concat();
    let flood = vec![b' '; 0x1000];
    for server in always(
        head.flood(&flood),
        Reply::started().data(prefix).flood(&flood),
    ) {
        assert_too_large(&server, "announced").await;
        let written = server.end_of_flood().await;
        assert!(written < HUGE / 2, "{} {written}", server.transport());
    }
}

#[tokio::test]
#[cfg(feature = "_http")]
async fn chunks_above_the_limit_are_not_read_further() -> Outcome {
    use crate::fake_http::FakeHttp;

    let body = format!(r#"{{"result":{{"data":"{}"}}}}"#, "x".repeat(LIMIT - 22));
    let (start, end) = body.split_at(600);
    let at_limit = Answer::chunks([start, end]).end_of_chunks();
    limited(&Server::Http(FakeHttp::always(at_limit)))
        .rpc(RpcRequest::new("big"))
        .await?;

    let above = Answer::chunks([start, end, " "]).end_of_chunks();
    assert_too_large(&Server::Http(FakeHttp::always(above)), "a chunk above").await;

    for (endless, case) in [
        (Answer::chunks([start]).flood_of_chunks(), "endless chunks"),
        (
            Answer::head(200, &[]).flood([b' '; 0x1000]),
            "endless body without a length",
        ),
        (
            Answer::chunks([])
                .write("FFFFFFFF\r\n")
                .flood([b' '; 0x1000]),
            "one endless chunk",
        ),
    ] {
        let server = Server::Http(FakeHttp::always(endless));
        assert_too_large(&server, case).await;
        assert!(server.end_of_flood().await < HUGE / 2, "{case}");
    }
    Ok(())
}

#[tokio::test]
#[cfg(feature = "grpc")]
async fn messages_after_the_first_are_not_read() {
    let small = crate::fake_grpc::frame([0x12, 0x00]);
    let server = Server::Grpc(crate::fake_grpc::FakeGrpc::always(
        Reply::started().flood(small.repeat(0x200)),
    ));
    let error = limited(&server)
        .rpc(RpcRequest::new("big"))
        .await
        .expect_err("endless messages");
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    assert!(server.end_of_flood().await < HUGE / 2);
}

#[tokio::test]
#[cfg(feature = "_http")]
async fn huge_body_of_an_error_status_is_not_read_further() {
    for head in [
        Answer::head(502, &[]),
        Answer::head(502, &[("Content-Length", &HUGE.to_string())]),
        Answer::head(502, &[("Transfer-Encoding", "chunked")]).write("FFFFFFFF\r\n"),
        Answer::head(401, &[("Content-Length", &HUGE.to_string())]),
        Answer::head(302, &[("Content-Length", &HUGE.to_string())]),
    ] {
        let server = Server::Http(crate::fake_http::FakeHttp::always(
            head.flood([b' '; 0x1000]),
        ));
        let error = crate::failure(&server.client(), "huge error").await;
        assert!(
            matches!(error, Error::Transport { .. } | Error::Unauthorized { .. }),
            "{error:?}"
        );
        assert!(server.end_of_flood().await < HUGE / 2);
    }
}

#[tokio::test]
async fn reply_below_the_default_limit_passes() -> Outcome {
    // Above 4 MiB, the default limit of tonic.
    let json = format!(
        r#"{{"result":{{"data":"{}"}}}}"#,
        "x".repeat(6 * 1024 * 1024)
    );
    let (answer, reply) = reply::<RpcResponse>(&json);
    for server in always(answer, reply) {
        let result = server.client().rpc(RpcRequest::new("big")).await?;
        assert_eq!(result.data.len(), 6 * 1024 * 1024 + 2);
    }
    Ok(())
}

#[tokio::test]
async fn client_is_usable_after_a_reply_that_was_too_large() -> Outcome {
    for server in script([sized(2 * LIMIT), sized(LIMIT)]) {
        let client = limited(&server);
        assert!(client.rpc(RpcRequest::new("big")).await.is_err());
        client.rpc(RpcRequest::new("small")).await?;
    }
    Ok(())
}
