//! Calls over HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use centrifugo_api::api::{Option as Choice, outer};
use centrifugo_api::{
    ApiError, BatchRequest, CallRequest, Client, Command, Error, METHODS, Method, MoveRequest,
    NewRequest, PingRequest, PublishRequest, SelfRequest, TypeRequest,
};

use crate::Tested;

/// Answers one HTTP call, and returns the request's first line and body.
fn fake(reply: &'static str) -> std::io::Result<(Client, JoinHandle<std::io::Result<String>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/api", listener.local_addr()?);
    let answered = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut first = String::new();
        let mut length = 0;
        reader.read_line(&mut first)?;
        for header in reader
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .take_while(|header| !header.is_empty())
        {
            if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(std::io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{reply}",
            reply.len()
        )?;
        Ok(format!(
            "{} {}",
            first.trim(),
            String::from_utf8_lossy(&body)
        ))
    });
    Ok((
        Client::new(url, "secret").map_err(std::io::Error::other)?,
        answered,
    ))
}

/// Makes a call, and returns its result and the request.
async fn call<T>(
    reply: &'static str,
    call: impl AsyncFnOnce(Client) -> Result<T, Error>,
) -> Result<(Result<T, Error>, String), Box<dyn std::error::Error>> {
    let (client, answered) = fake(reply)?;
    let result = call(client).await;
    Ok((result, answered.join().map_err(|_| "the fake panicked")??))
}

#[tokio::test]
async fn new_method_is_called_like_an_old_one() -> Tested {
    let request = MoveRequest::new().from("a").data("[1]");
    let (result, asked) = call(r#"{"result":{"steps":3}}"#, async |client: Client| {
        client.r#move(request).await
    })
    .await?;
    assert_eq!(result?.steps, 3);
    assert_eq!(asked, r#"POST /api/move HTTP/1.1 {"from":"a","data":[1]}"#);
    Ok(())
}

#[tokio::test]
async fn methods_named_like_functions_have_a_name_of_their_own() -> Tested {
    let (result, asked) = call(r#"{"result":{"ok":true}}"#, async |client: Client| {
        client.call_(CallRequest::new()).await
    })
    .await?;
    assert!(result?.ok);
    assert_eq!(asked, "POST /api/call HTTP/1.1 {}");
    let (result, asked) = call(r#"{"result":{"option":false}}"#, async |client: Client| {
        client
            .new_(NewRequest::new().option(Choice::new().with_option(true)))
            .await
    })
    .await?;
    assert_eq!(result?.option, Some(false));
    assert_eq!(
        asked,
        r#"POST /api/new HTTP/1.1 {"option":{"option":true}}"#
    );
    let (result, asked) = call(r#"{"result":{"self":"x"}}"#, async |client: Client| {
        client.self_(SelfRequest::new()).await
    })
    .await?;
    assert_eq!(result?.self_, "x");
    assert_eq!(asked, "POST /api/self HTTP/1.1 {}");
    Ok(())
}

#[tokio::test]
async fn responses_of_another_shape_return_what_they_hold() -> Tested {
    let (result, _) = call(r#"{"type":"x"}"#, async |client: Client| {
        client.r#type(TypeRequest::new()).await
    })
    .await?;
    assert_eq!(result?.r#type, "x");
    let (result, _) = call(
        r#"{"error":{"code":104,"message":"m"}}"#,
        async |client: Client| client.r#type(TypeRequest::new()).await,
    )
    .await?;
    assert_eq!(result.err().and_then(|error| error.api_code()), Some(104));
    let (result, asked) = call(
        r#"{"time":18446744073709551615}"#,
        async |client: Client| client.ping(PingRequest::new()).await,
    )
    .await?;
    assert_eq!(result?.time, u64::MAX);
    assert_eq!(asked, "POST /api/ping HTTP/1.1 {}");
    let (result, _) = call(
        r#"{"result":{"ask":{"kind":1}}}"#,
        async |client: Client| client.nested(outer::Ask::new()).await,
    )
    .await?;
    assert_eq!(
        result?.ask.unwrap_or_default().kind(),
        outer::middle::Kind::Known
    );
    Ok(())
}

#[tokio::test]
async fn new_commands_go_into_a_batch() -> Tested {
    let batch = || {
        BatchRequest::new([
            Command::from(MoveRequest::new().to("b")).labels([("not", "a part")]),
            PublishRequest::new("news", "1").into(),
            Command::from(PingRequest::new()),
        ])
    };
    let reply =
        r#"{"replies":[{"move":{"steps":1}},{"publish":{"offset":2}},{"error":{"code":5}}]}"#;
    let (response, asked) = call(reply, async |client: Client| client.batch(batch()).await).await?;
    let outcomes = response?;
    let moved = outcomes[0].as_ref().map_err(ApiError::to_string)?;
    assert_eq!(moved.r#move.as_ref().map(|result| result.steps), Some(1));
    let body = r#"{"commands":[{"move":{"to":"b"},"labels":{"not":"a part"}},{"publish":{"channel":"news","data":1}},{"ping":{}}]}"#;
    assert_eq!(asked, format!("POST /api/batch HTTP/1.1 {body}"));
    let reply = r#"{"replies":[{"self":{}},{"publish":{}},{"ping":{}}]}"#;
    let (response, _) = call(reply, async |client: Client| client.batch(batch()).await).await?;
    let error = response.err().ok_or("it was accepted")?.to_string();
    assert!(
        error.contains("replies[0]: a reply of `self` to the command `move`"),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn error_says_itself_that_it_is_temporary() -> Tested {
    for (reply, temporary) in [
        (r#"{"error":{"code":5000,"temporary":true}}"#, true),
        (r#"{"error":{"code":5000}}"#, false),
        (r#"{"error":{"code":100}}"#, true),
    ] {
        let (result, _) = call(reply, async |client: Client| {
            client.r#move(MoveRequest::new()).await
        })
        .await?;
        let error = result.err().ok_or("it was accepted")?;
        assert_eq!(error.is_retryable(), temporary, "{reply}");
        assert!(matches!(error, Error::Api(error) if error.is_temporary() == temporary));
    }
    let mut error = ApiError::new(107, "");
    error.temporary = true;
    assert!(error.is_temporary());
    Ok(())
}

#[test]
fn table_has_every_method() {
    fn paths<M: Method>() -> (&'static str, &'static str) {
        (M::NAME, M::GRPC_PATH)
    }
    let service = "/centrifugal.centrifugo.api.CentrifugoApi";
    assert_eq!(
        paths::<MoveRequest>(),
        ("move", &*format!("{service}/Move"))
    );
    assert_eq!(
        paths::<SelfRequest>(),
        ("self", &*format!("{service}/Self"))
    );
    assert_eq!(
        paths::<outer::Ask>(),
        ("nested", &*format!("{service}/Nested"))
    );
    assert_eq!(
        paths::<centrifugo_api::GetUrl2FaRequest>(),
        ("get_url_2fa", &*format!("{service}/GETUrl2FA"))
    );
    assert_eq!(METHODS.len(), 28);
    let _ = Client::get_url_2fa;
    #[expect(deprecated)]
    let _ = Client::ancient;
}
