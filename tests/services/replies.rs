//! Replies of services that are cut, too large or of another kind.

use centrifugo_api::bytes::Bytes;
use centrifugo_api::service::Body;
use centrifugo_api::{Effect, Error, Retry};
use http::{Response, StatusCode};
use http_body::Frame;

use crate::double::{BoxError, Frames, Over, framed};
use crate::{Outcome, assert_says, failure};

const LIMIT: usize = 1000;

/// Returns the error of a call that gets this response, and has not read the request.
async fn error_of(over: Over, make: fn(Over) -> Response<Body>) -> Result<Error, Error> {
    let builder = over.double(move |_| async move { Ok(make(over)) });
    let client = builder
        .max_response_size(LIMIT)
        .retry(Retry::none())
        .build()?;
    Ok(failure(&client).await)
}

fn data(bytes: impl Into<Bytes>) -> Result<Frame<Bytes>, BoxError> {
    Ok(Frame::data(bytes.into()))
}

#[tokio::test]
async fn body_that_breaks_off_is_a_lost_connection() -> Outcome {
    for over in Over::all() {
        let error = error_of(over, |over| {
            let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            let start = match over {
                Over::Http => data("{\"res"),
                Over::Grpc => data(vec![0, 0, 0, 0, 9, 1]),
            };
            Response::new(Body::new(Frames::from([start, Err(reset.into())])))
        })
        .await?;
        assert!(error.is_network(), "{error:?}");
        assert_says(&error, "connection reset; the call may have run");
        // There was a response: the call has left, although nothing has read it.
        assert_eq!(error.effect(), Effect::MayHaveRun, "{error:?}");
    }
    Ok(())
}

#[cfg(feature = "service")]
#[tokio::test]
async fn body_shorter_than_announced_is_a_lost_connection() -> Outcome {
    let error = error_of(Over::Http, |_| {
        let response = Response::builder().header("content-length", "100");
        response.body("{\"result\":{}}".into()).expect("a response")
    })
    .await?;
    assert!(error.is_network(), "{error:?}");
    assert_says(&error, "connection closed; the call may have run");
    let source = std::error::Error::source(&error).expect("a source");
    assert_eq!(source.to_string(), "the body ended after 13 of 100 bytes");

    // The length may be that of compressed bytes.
    let client = Over::Http.double(async |_| {
        let response = Response::builder().header("content-length", "100");
        let response = response.header("content-encoding", "gzip");
        Ok(response.body("{\"result\":{}}".into())?)
    });
    crate::publish(&client.build()?).await?;
    Ok(())
}

#[tokio::test]
async fn reply_above_the_limit_names_the_option() -> Outcome {
    for over in Over::all() {
        let announced = error_of(over, |over| {
            let mut response = over.reply(framed(&[b' '; 2 * LIMIT]));
            let length = http::HeaderValue::from(2 * LIMIT + 5);
            response.headers_mut().insert("content-length", length);
            response
        });
        let endless = error_of(over, |_| {
            let frames: [_; 20] = std::array::from_fn(|_| data(vec![0, 1, 0, 0, 0, b' ']));
            let frames = frames.map(|_| data(framed(&[b' '; LIMIT + 1])));
            Response::new(Body::new(Frames::from(frames)))
        });
        for error in [announced.await?, endless.await?] {
            assert!(matches!(error, Error::Decode { .. }), "{over:?}: {error:?}");
            assert_says(&error, "max_response_size, 1000 bytes");
        }
    }
    Ok(())
}

#[tokio::test]
async fn reply_of_another_kind_is_shown() -> Outcome {
    for over in Over::all() {
        for make in [
            |over: Over| over.reply("<html>hello</html>"),
            |over: Over| match over {
                Over::Http => over.reply("{\"result\":{\"off"),
                Over::Grpc => over.reply(vec![0, 0, 0, 0, 9, 1, 2]),
            },
            |over: Over| over.reply(Bytes::new()),
        ] {
            let error = error_of(over, make).await?;
            assert!(matches!(error, Error::Decode { .. }), "{over:?}: {error:?}");
            assert!(!error.is_retryable() && !error.is_unsent(), "{error:?}");
        }
    }
    Ok(())
}

#[cfg(feature = "grpc")]
#[tokio::test]
async fn grpc_reply_without_trailers_is_a_lost_connection() -> Outcome {
    let error = error_of(Over::Grpc, |_| {
        Response::new(Body::new(Frames::from([data(framed(&[]))])))
    })
    .await?;
    assert!(error.is_network() && !error.is_unsent(), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn error_page_is_read_up_to_a_limit() -> Outcome {
    for over in Over::all() {
        let error = error_of(over, |_| {
            let mut response = Response::new(Body::from("no upstream ".repeat(LIMIT)));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        })
        .await?;
        assert!(matches!(error, Error::Transport { .. }), "{error:?}");
        assert_says(&error, "502");
        assert_says(&error, "no upstream");
    }
    Ok(())
}
