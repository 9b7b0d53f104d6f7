//! The bytes on the wire over gRPC.

use centrifugo_api::prost::Message as _;
use centrifugo_api::{
    BatchRequest, ChannelsRequest, Client, ClientBuilder, Command, InfoRequest, PublishRequest,
    RpcRequest,
};
use http::HeaderMap;

use crate::fake_grpc::{Call, FakeGrpc};
use crate::over_both_transports::{published, reply};
use crate::{KEY, Outcome, publication, publish};

/// Returns what a client with this configuration sends for a publication.
async fn sent(
    configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Call, centrifugo_api::Error> {
    let fake = FakeGrpc::always(published().1);
    publish(&configure(Client::builder(fake.url())).build()?).await?;
    Ok(fake.request())
}

/// Returns the names of the rpcs that were called.
fn rpcs(calls: &[Call]) -> Vec<&str> {
    calls
        .iter()
        .filter_map(|call| call.path.rsplit('/').next())
        .collect()
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().expect("a header is text"))
        .collect()
}

#[tokio::test]
async fn call_is_a_message_with_the_key() -> Outcome {
    let call = sent(|builder| builder.api_key(KEY)).await?;
    assert_eq!(
        call.path,
        "/centrifugal.centrifugo.api.CentrifugoApi/Publish"
    );
    assert_eq!(call.body[0], 0, "the message is not compressed");
    assert_eq!(
        u32::from_be_bytes(call.body[1..5].try_into()?),
        u32::try_from(call.message().len())?
    );
    assert_eq!(PublishRequest::decode(call.message())?, publication());
    assert_eq!(
        values(&call.headers, "authorization"),
        [format!("apikey {KEY}")]
    );
    assert_eq!(values(&call.headers, "content-type"), ["application/grpc"]);
    assert_eq!(values(&call.headers, "te"), ["trailers"]);
    let user_agent = concat!("centrifugo-api-rust/", env!("CARGO_PKG_VERSION"));
    assert_eq!(values(&call.headers, "user-agent"), [user_agent]);
    for absent in [
        "x-api-key",
        "x-centrifugo-error-mode",
        "grpc-encoding",
        "cookie",
    ] {
        assert!(
            values(&call.headers, absent).is_empty(),
            "{absent}: {call:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn server_is_named_by_the_url_or_by_the_authority() -> Outcome {
    let fake = FakeGrpc::always(published().1);
    publish(&Client::builder(fake.url()).build()?).await?;
    assert_eq!(fake.request().authority, fake.address().to_string());
    for authority in ["centrifugo.example", "centrifugo.example:8443"] {
        let call = sent(|builder| builder.authority(authority)).await?;
        assert_eq!(call.authority, authority);
    }
    Ok(())
}

#[tokio::test]
async fn client_without_a_key_sends_none() -> Outcome {
    assert!(values(&sent(|builder| builder).await?.headers, "authorization").is_empty());
    Ok(())
}

#[tokio::test]
async fn bearer_token_is_sent_instead_of_a_key() -> Outcome {
    let call = sent(|builder| builder.bearer_token("a.b.c")).await?;
    assert_eq!(values(&call.headers, "authorization"), ["Bearer a.b.c"]);
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
        let call = sent(|builder| builder.api_key(key)).await?;
        assert_eq!(
            values(&call.headers, "authorization"),
            [format!("apikey {key}")]
        );
    }
    Ok(())
}

#[tokio::test]
async fn options_become_metadata() -> Outcome {
    let call = sent(|builder| {
        let builder = builder
            .error_mode_transport()
            .user_agent("mine/1.0 (test)")
            .header("X-One", "1");
        builder
            .header("x-many", "a")
            .header("X-Many", "b")
            .header("X-Api-Key", "other")
            .api_key(KEY)
    })
    .await?;
    assert_eq!(
        values(&call.headers, "x-centrifugo-error-mode"),
        ["transport"]
    );
    assert_eq!(values(&call.headers, "user-agent"), ["mine/1.0 (test)"]);
    assert_eq!(values(&call.headers, "x-one"), ["1"]);
    assert_eq!(values(&call.headers, "x-many"), ["a", "b"]);
    assert_eq!(values(&call.headers, "x-api-key"), ["other"]);
    assert_eq!(
        values(&call.headers, "authorization"),
        [format!("apikey {KEY}")]
    );
    Ok(())
}

#[tokio::test]
async fn rpc_is_called_by_its_name_in_the_schema() -> Outcome {
    let fake = FakeGrpc::always(reply::<centrifugo_api::RpcResponse>(r#"{"result":{}}"#).1);
    crate::client(&fake.url())
        .rpc(RpcRequest::new("sum"))
        .await?;
    assert_eq!(rpcs(&fake.requests()), ["RPC"]);
    Ok(())
}

#[tokio::test]
async fn request_in_which_nothing_is_set_is_an_empty_message() -> Outcome {
    let fake = FakeGrpc::always(reply::<centrifugo_api::InfoResponse>(r#"{"result":{}}"#).1);
    let client = crate::client(&fake.url());
    client.info(InfoRequest::new()).await?;
    client.channels(ChannelsRequest::default()).await?;
    let calls = fake.requests();
    assert_eq!(rpcs(&calls), ["Info", "Channels"]);
    assert!(calls.iter().all(|call| call.body == [0; 5]), "{calls:?}");
    Ok(())
}

#[tokio::test]
async fn large_request_arrives_whole() -> Outcome {
    let text = format!(r#""{}""#, "é".repeat(4 * 1024 * 1024));
    let fake = FakeGrpc::always(
        reply::<centrifugo_api::BatchResponse>(r#"{"replies":[{"publish":{}},{"publish":{}}]}"#).1,
    );
    let command = || Command::from(PublishRequest::new("c", text.as_str()));
    let batch = BatchRequest::new([command(), command()]);
    let outcomes = crate::client(&fake.url()).batch(batch.clone()).await?;
    outcomes.all_ok()?;
    assert!(BatchRequest::decode(fake.request().message())? == batch);
    Ok(())
}

#[tokio::test]
async fn own_channel_carries_key_and_metadata() -> Outcome {
    let fake = FakeGrpc::always(published().1);
    let own =
        tonic::transport::Endpoint::from_shared(fake.url().replace("grpc", "http"))?.connect_lazy();
    let builder = Client::builder("grpc://elsewhere.invalid:1")
        .api_key(KEY)
        .header("X-One", "1");
    let result = publish(&builder.grpc_channel(own).build()?).await?;
    assert_eq!(result.offset, 7);
    let call = fake.request();
    assert_eq!(
        values(&call.headers, "authorization"),
        [format!("apikey {KEY}")]
    );
    assert_eq!(values(&call.headers, "x-one"), ["1"]);
    Ok(())
}
