//! The bodies of requests and responses.

use centrifugo_api::Retry;
use centrifugo_api::bytes::Bytes;
use centrifugo_api::service::Body;
use http_body::{Body as _, Frame, SizeHint};

use crate::double::{BoxError, Frames, Over, read};
use crate::{KEY, Outcome, failure};

#[tokio::test]
async fn body_has_its_bytes_and_length() -> Result<(), BoxError> {
    for body in [
        Body::from("hello"),
        Body::from("hello".to_owned()),
        Body::from(b"hello".to_vec()),
        Body::from(Bytes::from("hello")),
        Body::new(Body::from("hello")),
        Body::from("bye").with_bytes("hello"),
    ] {
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(body.peek(), Some(Bytes::from("hello")));
        assert_eq!(body.bytes().await?, "hello");
    }
    let empty = Body::default();
    assert!(empty.is_end_stream() && empty.bytes().await?.is_empty());

    let frames = ["a", "b", "c"].map(|text| Ok(Frame::data(Bytes::from(text))));
    let streamed = Body::new(Frames::from(frames));
    assert_eq!(streamed.peek(), None);
    assert_eq!(streamed.bytes().await?, "abc");
    let broken = Body::new(Frames::from([Err("broken".into())]));
    assert!(broken.bytes().await.is_err());
    Ok(())
}

#[tokio::test]
async fn bodies_can_be_shared_and_show_nothing() -> Outcome {
    fn assert_shared<T: Send + Sync>(_: &T) {}
    for over in Over::all() {
        let client = over.double(async |request| {
            assert_shared(&request);
            let shown = format!("{request:?}");
            assert!(!shown.contains("hello") && !shown.contains(KEY), "{shown}");
            Err("shown".into())
        });
        failure(&client.build()?).await;
    }
    Ok(())
}

#[tokio::test]
async fn reading_the_body_in_any_way_counts_as_sending() -> Outcome {
    for over in Over::all() {
        let peeked = over.double(async |request| {
            let _ = request.body().peek();
            Err("only peeked".into())
        });
        let replaced = over.double(async |request| {
            let body = request.into_body().with_bytes("other");
            assert_eq!(body.bytes().await?, "other");
            Err("replaced and read".into())
        });
        let wrapped = over.double(async |request| {
            let _ = read(request.map(Wrapped).map(Body::new)).await?;
            Err("wrapped and read".into())
        });
        for (builder, is_unsent) in [(peeked, true), (replaced, false), (wrapped, false)] {
            let error = failure(&builder.retry(Retry::none()).build()?).await;
            assert_eq!(error.is_unsent(), is_unsent, "{over:?}: {error:?}");
        }
    }
    Ok(())
}

/// A body around another one, as layers that count or record bytes make it.
pub(crate) struct Wrapped(pub(crate) Body);

impl http_body::Body for Wrapped {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        std::pin::Pin::new(&mut self.0).poll_frame(context)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
