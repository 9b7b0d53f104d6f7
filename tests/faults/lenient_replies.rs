//! Replies as a newer server or another Go release may write them: they must not break a client.

use centrifugo_api::{
    Client, HistoryRequest, InfoRequest, PayloadExt as _, PresenceRequest, PresenceStatsRequest,
    RpcRequest,
};

use crate::fake_http::{Answer, FakeHttp};
use crate::{Outcome, client, publish};

fn replying(json: &str) -> (FakeHttp, Client) {
    let fake = FakeHttp::always(Answer::json(json));
    let client = client(&fake.url());
    (fake, client)
}

#[tokio::test]
async fn unknown_fields_are_ignored_wherever_they_are() -> Outcome {
    let (_fake, client) = replying(
        r#"{"x":1,"result":{"y":[{"z":null}],"publications":[{"data":{"n":1},"w":"1","offset":4,"info":
           {"v":{},"user":"u","client":"c"}}],"epoch":"e","u":1e400,"offset":9},"t":{"error":1}}"#,
    );
    let result = client.history(HistoryRequest::new("news")).await?;
    assert_eq!((result.offset, result.epoch.as_str()), (9, "e"));
    let [publication] = &result.publications[..] else {
        panic!("{result:?}")
    };
    assert_eq!(
        (publication.offset, &publication.data[..]),
        (4, &br#"{"n":1}"#[..])
    );
    assert_eq!(
        publication.info.as_ref().map(|info| info.user.as_str()),
        Some("u")
    );
    Ok(())
}

#[tokio::test]
async fn fields_may_come_in_any_order() -> Outcome {
    let (_fake, client) = replying(r#"{"result":{"epoch":"e","offset":7},"error":null}"#);
    let result = publish(&client).await?;
    assert_eq!((result.offset, result.epoch.as_str()), (7, "e"));
    Ok(())
}

#[tokio::test]
async fn null_reads_as_absent() -> Outcome {
    let (_fake, client) = replying(r#"{"error":null,"result":{"offset":null,"epoch":null}}"#);
    let result = publish(&client).await?;
    assert_eq!((result.offset, result.epoch.as_str()), (0, ""));

    let (_fake, client) =
        replying(r#"{"result":{"publications":null,"offset":null,"epoch":null}}"#);
    assert!(
        client
            .history(HistoryRequest::new("news"))
            .await?
            .publications
            .is_empty()
    );

    let (_fake, client) = replying(
        r#"{"result":{"publications":[{"offset":null,"tags":null,"info":null,"data":1}]}}"#,
    );
    let result = client.history(HistoryRequest::new("news")).await?;
    let [publication] = &result.publications[..] else {
        panic!("{result:?}")
    };
    assert!(publication.tags.is_empty() && publication.info.is_none() && publication.offset == 0);

    let (_fake, client) = replying(r#"{"result":{"presence":null}}"#);
    assert!(
        client
            .presence(PresenceRequest::new("news"))
            .await?
            .presence
            .is_empty()
    );

    let (_fake, client) = replying(r#"{"result":{"num_clients":null,"num_users":null}}"#);
    assert_eq!(
        client
            .presence_stats(PresenceStatsRequest::new("news"))
            .await?
            .num_users,
        0
    );

    let (_fake, client) = replying(
        r#"{"result":{"nodes":[{"uid":null,"num_clients":null,"metrics":null,"process":null}]}}"#,
    );
    let nodes = client.info(InfoRequest::new()).await?.nodes;
    assert!(nodes.len() == 1 && nodes[0].metrics.is_none() && nodes[0].process.is_none());
    Ok(())
}

#[tokio::test]
async fn null_payload_stays_null_and_absent_payload_is_empty() -> Outcome {
    let (_fake, client) = replying(r#"{"result":{"data":null}}"#);
    let data = client.rpc(RpcRequest::new("m")).await?.data;
    assert_eq!(&data[..], b"null");
    assert_eq!(data.decode::<Option<u8>>()?, None);

    let (_fake, client) = replying(r#"{"result":{}}"#);
    assert!(client.rpc(RpcRequest::new("m")).await?.data.is_empty());

    let (_fake, client) = replying(
        r#"{"result":{"presence":{"c":{"client":"c","user":"u","conn_info":null,"chan_info":{"a":null}}}}}"#,
    );
    let presence = client
        .presence(PresenceRequest::new("news"))
        .await?
        .presence;
    assert_eq!(
        (&presence["c"].conn_info[..], &presence["c"].chan_info[..]),
        (&b"null"[..], &b"{\"a\":null}"[..])
    );
    Ok(())
}

#[tokio::test]
async fn empty_result_is_a_result() -> Outcome {
    for json in [
        r#"{"result":{}}"#,
        r#"{"result":{},"error":null}"#,
        r#"{"result":{"unknown":1}}"#,
    ] {
        let (_fake, client) = replying(json);
        assert_eq!(publish(&client).await?.offset, 0, "{json}");
    }
    Ok(())
}

#[tokio::test]
async fn payloads_arrive_as_written() -> Outcome {
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    for payload in [
        "1e400",
        "123456789012345678901234567890.10",
        r#"{"a":1,"a":2}"#,
        r#"{ "spaced" : [ ] }"#,
        r#""\ud800 \u003c \/""#,
        "-0.0",
        &deep,
    ] {
        let (_fake, client) = replying(&format!(r#"{{"result":{{"data":{payload}}}}}"#));
        let data = client.rpc(RpcRequest::new("m")).await?.data;
        assert_eq!(&data[..], payload.as_bytes());
    }
    Ok(())
}
