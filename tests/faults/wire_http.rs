//! The bytes on the wire over HTTP.

use centrifugo_api::{
    BatchRequest, ChannelsRequest, Client, ClientBuilder, Command, DisconnectRequest, InfoRequest,
    PublishRequest,
};

use crate::fake_http::{Answer, FakeHttp, Request};
use crate::{KEY, Outcome, publish};

fn fake() -> FakeHttp {
    FakeHttp::always(Answer::json(r#"{"result":{}}"#))
}

/// Returns what a client with this configuration sends for a publication.
async fn sent(
    configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Request, centrifugo_api::Error> {
    let fake = fake();
    publish(&configure(Client::builder(fake.url())).build()?).await?;
    Ok(fake.request())
}

#[tokio::test]
async fn call_is_a_post_of_json_with_the_key() -> Outcome {
    let request = sent(|builder| builder.api_key(KEY)).await?;
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/api/publish")
    );
    assert_eq!(
        request.body,
        r#"{"channel":"news","data":{"text":"hello"}}"#
    );
    assert_eq!(request.headers("x-api-key"), [KEY]);
    assert_eq!(request.headers("content-type"), ["application/json"]);
    assert_eq!(
        request.headers("content-length"),
        [request.body.len().to_string()]
    );
    assert_eq!(
        request.headers("user-agent"),
        [concat!("centrifugo-api-rust/", env!("CARGO_PKG_VERSION"))]
    );
    assert_eq!(request.headers("host").len(), 1);
    for absent in [
        "authorization",
        "x-centrifugo-error-mode",
        "accept-encoding",
        "cookie",
        "referer",
    ] {
        assert!(request.headers(absent).is_empty(), "{absent}: {request:?}");
    }
    Ok(())
}

#[tokio::test]
async fn client_without_a_key_sends_none() -> Outcome {
    let request = sent(|builder| builder).await?;
    assert!(request.headers("x-api-key").is_empty() && request.headers("authorization").is_empty());
    Ok(())
}

#[tokio::test]
async fn bearer_token_is_sent_instead_of_a_key_or_beside_it() -> Outcome {
    let request = sent(|builder| builder.bearer_token("a.b.c")).await?;
    assert_eq!(request.headers("authorization"), ["Bearer a.b.c"]);
    assert!(request.headers("x-api-key").is_empty());
    let both = |builder: ClientBuilder| builder.api_key(KEY).bearer_token("a.b.c");
    let request = sent(|builder| both(builder).key_and_bearer_token()).await?;
    assert_eq!(request.headers("authorization"), ["Bearer a.b.c"]);
    assert_eq!(request.headers("x-api-key"), [KEY]);
    Ok(())
}

#[tokio::test]
async fn key_is_sent_byte_for_byte() -> Outcome {
    for key in [
        "a b",
        "~!@#$%^&*()_+{}|:\"<>?`-=[]\\;',./",
        "apikey x",
        &"k".repeat(4000),
    ] {
        assert_eq!(
            sent(|builder| builder.api_key(key))
                .await?
                .headers("x-api-key"),
            [key]
        );
    }
    Ok(())
}

#[tokio::test]
async fn options_become_headers() -> Outcome {
    let request = sent(|builder| {
        let builder = builder
            .error_mode_transport()
            .user_agent("mine/1.0 (test)")
            .header("X-One", "1");
        builder
            .header("x-many", "a")
            .header("X-Many", "b")
            .header("Authorization", "Basic x")
            .api_key(KEY)
    })
    .await?;
    assert_eq!(request.headers("x-centrifugo-error-mode"), ["transport"]);
    assert_eq!(request.headers("user-agent"), ["mine/1.0 (test)"]);
    assert_eq!(request.headers("x-one"), ["1"]);
    assert_eq!(request.headers("x-many"), ["a", "b"]);
    assert_eq!(request.headers("authorization"), ["Basic x"]);
    assert_eq!(request.headers("x-api-key"), [KEY]);
    Ok(())
}

#[tokio::test]
async fn slashes_at_the_end_of_the_url_are_left_out() -> Outcome {
    for (base, path) in [
        ("/api", "/api/publish"),
        ("/api/", "/api/publish"),
        ("/api///", "/api/publish"),
        ("", "/publish"),
        ("/", "/publish"),
        ("//", "/publish"),
        ("/custom/prefix", "/custom/prefix/publish"),
        ("/custom/prefix/", "/custom/prefix/publish"),
        ("/a%20b/%2F/v1.0", "/a%20b/%2F/v1.0/publish"),
        ("/publisher", "/publisher/publish"),
    ] {
        let fake = fake();
        publish(&Client::builder(fake.url_at(base)).build()?).await?;
        assert_eq!(fake.request().path, path, "{base}");
    }
    Ok(())
}

#[tokio::test]
async fn request_in_which_nothing_is_set_is_an_empty_object() -> Outcome {
    let fake = fake();
    let client = crate::client(&fake.url());
    client.info(InfoRequest::new()).await?;
    client.channels(ChannelsRequest::default()).await?;
    client.disconnect(DisconnectRequest::default()).await?;
    let paths_and_bodies: Vec<_> = fake
        .requests()
        .into_iter()
        .map(|r| (r.path, r.body))
        .collect();
    let expected = ["/api/info", "/api/channels", "/api/disconnect"]
        .map(|path: &str| (path.to_owned(), "{}".to_owned()));
    assert_eq!(paths_and_bodies, expected);
    Ok(())
}

#[tokio::test]
async fn large_request_arrives_whole() -> Outcome {
    let text = format!(r#""{}""#, "é".repeat(4 * 1024 * 1024));
    let fake = FakeHttp::always(Answer::json(
        r#"{"replies":[{"publish":{}},{"publish":{}}]}"#,
    ));
    let command = || Command::from(PublishRequest::new("c", text.as_str()));
    crate::client(&fake.url())
        .batch(BatchRequest::new([command(), command()]))
        .await?
        .all_ok()?;
    let part = format!(r#"{{"publish":{{"channel":"c","data":{text}}}}}"#);
    assert!(fake.request().body == format!(r#"{{"commands":[{part},{part}]}}"#));
    Ok(())
}

#[tokio::test]
#[cfg(all(feature = "http", feature = "hyper"))]
async fn hyper_makes_the_calls_only_if_it_is_chosen() -> Outcome {
    // reqwest's connections are known by the header `accept`.
    let by_reqwest = sent(|builder| builder).await?;
    assert_eq!(by_reqwest.headers("accept"), ["*/*"]);
    let by_hyper = sent(ClientBuilder::hyper).await?;
    assert!(by_hyper.headers("accept").is_empty());
    Ok(())
}

#[tokio::test]
#[cfg(feature = "http")]
async fn own_http_client_carries_key_and_headers() -> Outcome {
    let own = crate::own_client::builder()?.user_agent("own/1").build()?;
    let request =
        sent(|builder| builder.api_key(KEY).header("X-One", "1").http_client(own)).await?;
    assert_eq!(
        (request.path.as_str(), request.headers("x-api-key")),
        ("/api/publish", vec![KEY])
    );
    assert_eq!(
        (request.headers("user-agent"), request.headers("x-one")),
        (vec!["own/1"], vec!["1"])
    );
    assert_eq!(request.headers("content-type"), ["application/json"]);
    Ok(())
}
