//! Bad replies over gRPC: none of them is a success.

use centrifugo_api::prost::Message as _;
use centrifugo_api::{Error, PublishResponse, PublishResult};
use h2::Reason;

use crate::fake_grpc::{FakeGrpc, Reply, frame};
use crate::{Outcome, assert_decode, assert_lost, assert_says, client, failure, publish};

const OK: &[(&str, &str)] = &[("grpc-status", "0")];

async fn failure_of(reply: Reply, case: &str) -> Error {
    let fake = FakeGrpc::always(reply);
    failure(&client(&fake.url()), case).await
}

/// Returns the message of a successful reply.
fn message() -> Vec<u8> {
    let mut result = PublishResult::default();
    result.offset = 300;
    result.epoch = "abcd".to_owned();
    let mut response = PublishResponse::default();
    response.result = Some(result);
    response.encode_to_vec()
}

#[tokio::test]
async fn reply_with_neither_error_nor_result_is_no_success() {
    for (message, case) in [
        (PublishResponse::default().encode_to_vec(), "empty message"),
        (vec![0x1a, 0x02, 0x08, 0x01], "only an unknown field"),
    ] {
        let error = failure_of(Reply::started().data(frame(message)).trailers(OK), case).await;
        assert_decode(&error, case);
        assert_says(&error, "neither an error nor a result", case);
    }
}

#[tokio::test]
async fn garbage_protobuf_is_no_success() {
    for (message, case) in [
        (&b"<html>nginx</html>"[..], "HTML"),
        (&[0xff; 16], "no varint"),
        (&[0x12, 0x7f, 0x08], "longer than what comes"),
        (&[0x10, 0x01], "result of another wire type"),
        (&[0x12, 0x03, 0x12, 0x01, 0xff], "text that is not UTF-8"),
        (&[0x00, 0x00], "field number zero"),
    ] {
        let error = failure_of(Reply::started().data(frame(message)).trailers(OK), case).await;
        assert_decode(&error, case);
        assert_says(&error, "schema's shape", case);
    }
}

#[tokio::test]
async fn message_cut_short_is_no_success() {
    let whole = message();
    for length in 1..whole.len() {
        let case = format!("{length} bytes");
        let error = failure_of(
            Reply::started().data(frame(&whole[..length])).trailers(OK),
            &case,
        )
        .await;
        assert_decode(&error, &case);
    }
    let framed = frame(&whole);
    for length in 1..framed.len() {
        let case = format!("{length} bytes of the frame");
        assert_decode(
            &failure_of(Reply::started().data(&framed[..length]).trailers(OK), &case).await,
            &case,
        );
    }
}

#[tokio::test]
async fn status_ok_without_a_message_is_no_success() {
    for (reply, case) in [
        (Reply::status(OK), "no data"),
        (Reply::started().trailers(OK), "trailers alone"),
        (Reply::started().data("").trailers(OK), "empty data"),
    ] {
        assert_decode(&failure_of(reply, case).await, case);
    }
}

#[tokio::test]
async fn frame_that_is_not_grpc_is_no_success() {
    let html = "<!DOCTYPE html><html><body>Please log in</body></html>";
    let compressed = [&[1], &frame(message())[1..]].concat();
    for (reply, case) in [
        (
            Reply::head(200, &[("content-type", "text/html")])
                .data(html)
                .end(),
            "HTML",
        ),
        (
            Reply::head(200, &[("content-type", "application/json")])
                .data("{}")
                .end(),
            "JSON",
        ),
        (
            Reply::started().data(compressed).trailers(OK),
            "compressed without saying how",
        ),
        (Reply::started().data(html).trailers(OK), "HTML in a frame"),
        (
            Reply::started()
                .data(frame(message()))
                .data(frame(message()))
                .trailers(OK),
            "two messages",
        ),
        (
            Reply::started()
                .data(frame(message()))
                .data("x")
                .trailers(OK),
            "more than a message",
        ),
    ] {
        let error = failure_of(reply, case).await;
        assert_decode(&error, case);
    }
}

#[tokio::test]
async fn html_of_a_gateway_is_its_status() {
    let reply = Reply::head(502, &[("content-type", "text/html")])
        .data("<html>Bad Gateway</html>")
        .end();
    let error = failure_of(reply, "502").await;
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
    assert_says(&error, "502", "502");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn stream_without_a_final_status_is_no_success() {
    for (reply, case) in [
        (Reply::started().data(frame(message())).end(), "message"),
        (
            Reply::started()
                .data(frame(message()))
                .trailers(&[("other", "1")]),
            "trailers without status",
        ),
        (Reply::started().end(), "nothing"),
    ] {
        assert_lost(&failure_of(reply, case).await, case);
    }
}

#[tokio::test]
async fn reset_stream_is_no_success() {
    for reason in [
        Reason::NO_ERROR,
        Reason::PROTOCOL_ERROR,
        Reason::INTERNAL_ERROR,
        Reason::FLOW_CONTROL_ERROR,
        Reason::REFUSED_STREAM,
        Reason::CANCEL,
        Reason::ENHANCE_YOUR_CALM,
        Reason::HTTP_1_1_REQUIRED,
    ] {
        let begun = Reply::started().data(&frame(message())[..9]);
        let whole = Reply::started().data(frame(message()));
        for (reply, when) in [
            (Reply::nothing(), "at once"),
            (begun, "within"),
            (whole, "before the trailers"),
        ] {
            let case = format!("{reason:?} {when}");
            if reason == Reason::REFUSED_STREAM && when == "at once" {
                // The call has not run: it is sent again.
                continue;
            }
            assert_lost(&failure_of(reply.reset(reason), &case).await, &case);
        }
    }
}

#[tokio::test]
async fn connection_lost_within_a_reply_is_no_success() {
    let begun = Reply::started().data(&frame(message())[..9]);
    for (reply, case) in [
        (Reply::nothing().cut(), "cut at once"),
        (begun.clone().cut(), "cut within"),
        (
            Reply::started().data(frame(message())).cut(),
            "cut before the trailers",
        ),
        (Reply::nothing().go_away(Reason::NO_ERROR), "GOAWAY at once"),
        (begun.go_away(Reason::ENHANCE_YOUR_CALM), "GOAWAY within"),
    ] {
        assert_lost(&failure_of(reply, case).await, case);
    }
}

#[tokio::test]
async fn good_reply_passes_however_it_comes() -> Outcome {
    let framed = frame(message());
    for (reply, case) in [
        (Reply::started().data(&framed).trailers(OK), "at once"),
        (
            Reply::started()
                .data(&framed[..3])
                .data(&framed[3..8])
                .data(&framed[8..])
                .trailers(OK),
            "in parts",
        ),
        (
            Reply::head(200, &[("content-type", "application/grpc+proto")])
                .data(&framed)
                .trailers(OK),
            "+proto",
        ),
    ] {
        let fake = FakeGrpc::always(reply);
        let result = publish(&client(&fake.url()))
            .await
            .map_err(|error| format!("{case}: {error:?}"))?;
        assert_eq!(
            (result.offset, result.epoch.as_str()),
            (300, "abcd"),
            "{case}"
        );
    }
    Ok(())
}
