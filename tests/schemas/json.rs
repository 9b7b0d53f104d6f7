//! Centrifugo's JSON: how requests are written and how replies are read.

use std::error::Error;

use centrifugo_api::bytes::Bytes;
use centrifugo_api::{
    BatchRequest, BatchResponse, BoolValue, BroadcastRequest, BroadcastResponse, Command,
    ConsumerCommand, DeviceListRequest, Disconnect, DisconnectRequest, FilterNode, HistoryRequest,
    HistoryResponse, InfoRequest, InfoResponse, MapPublishRequest, MapReadStateResponse,
    PayloadExt as _, PresenceResponse, PublishRequest, PublishResponse, Reply, RpcRequest,
    RpcResponse, StreamPosition, SubscribeOptionOverride, SubscribeRequest, json,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

type Tested = Result<(), Box<dyn Error>>;

/// Asserts how a message is written, and that this JSON reads as the same message.
fn assert_json<M: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(
    message: &M,
    json: &str,
) -> Tested {
    assert_eq!(serde_json::to_string(message)?, json);
    assert_eq!(&serde_json::from_str::<M>(json)?, message);
    Ok(())
}

/// Returns the path that the error of decoding JSON names.
fn path_of_error<M: DeserializeOwned>(json: &'static str) -> String {
    let read = Bytes::from(json).decode::<M>();
    let error = read
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    let path = error.split(" at its field ").nth(1).unwrap_or_default();
    path.trim_matches('`').to_owned()
}

#[test]
fn unset_fields_are_left_out() -> Tested {
    assert_json(&InfoRequest::new(), "{}")?;
    assert_json(&PublishRequest::new("", ""), "{}")?;
    assert_json(&DeviceListRequest::new().limit(0).include_meta(false), "{}")?;
    assert_json(&BatchRequest::new([] as [Command; 0]), "{}")
}

#[test]
fn payloads_are_embedded_and_names_are_snake_case() -> Tested {
    let request = PublishRequest::new("news", json(&[1, 2])?)
        .skip_history(true)
        .idempotency_key("order-42")
        .tags([("to", "all"), ("by", "me")]);
    assert_json(
        &request,
        r#"{"channel":"news","data":[1,2],"skip_history":true,"tags":{"by":"me","to":"all"},"idempotency_key":"order-42"}"#,
    )?;
    let request = BroadcastRequest::new(["a", "b"], r#"{"text":"hello"}"#);
    assert_json(
        &request,
        r#"{"channels":["a","b"],"data":{"text":"hello"}}"#,
    )?;
    assert_json(
        &RpcRequest::new("sum").params("null"),
        r#"{"method":"sum","params":null}"#,
    )
}

#[test]
fn payloads_keep_every_byte() -> Tested {
    let payload = r#"{"a":1,"a":123456789012345678901234567890, "b":1e400,"c":1.0,"d":"\ud800\u2028 <&>","e":-0.0}"#;
    assert_json(
        &PublishRequest::new("news", payload),
        &format!(r#"{{"channel":"news","data":{payload}}}"#),
    )?;
    let reply = format!(r#"{{"result":{{"publications":[{{"data": {payload} ,"offset":1}}]}}}}"#);
    let response: HistoryResponse = serde_json::from_str(&reply)?;
    assert_eq!(
        response.result.unwrap_or_default().publications[0].data,
        payload
    );
    Ok(())
}

#[test]
fn binary_payloads_are_base64_in_the_twin() -> Tested {
    let request = PublishRequest::new("news", "1").binary_data([0, 255, 254]);
    assert_json(&request, r#"{"channel":"news","b64data":"AP/+"}"#)?;
    let request = request.data("2");
    assert_json(&request, r#"{"channel":"news","data":2}"#)?;
    let request = MapPublishRequest::new("map:a", "")
        .key("key")
        .binary_data("x")
        .binary_stream_data("xy");
    assert_json(
        &request,
        r#"{"channel":"map:a","key":"key","b64data":"eA==","b64stream_data":"eHk="}"#,
    )
}

#[test]
fn integers_of_64_bits_are_plain_numbers() -> Tested {
    let since = StreamPosition::new(u64::MAX, "xyz");
    assert_json(
        &HistoryRequest::new("news")
            .limit(-1)
            .since(since)
            .reverse(true),
        r#"{"channel":"news","limit":-1,"since":{"offset":18446744073709551615,"epoch":"xyz"},"reverse":true}"#,
    )?;
    assert_json(
        &SubscribeRequest::new("").anonymous().expire_at(i64::MIN),
        r#"{"expire_at":-9223372036854775808}"#,
    )?;
    for refused in [
        r#"{"limit":"1"}"#,
        r#"{"limit":1.5}"#,
        r#"{"limit":2147483648}"#,
    ] {
        assert_eq!(
            path_of_error::<HistoryRequest>(refused),
            "limit",
            "{refused}"
        );
    }
    Ok(())
}

#[test]
fn wrapped_values_are_objects() -> Tested {
    let options = SubscribeOptionOverride::new()
        .presence(true)
        .join_leave(BoolValue::new(false));
    assert_json(
        &SubscribeRequest::new("news")
            .user("alice")
            .r#override(options)
            .info("{}")
            .recover_since(StreamPosition::new(0, "e")),
        r#"{"channel":"news","user":"alice","info":{},"recover_since":{"epoch":"e"},"override":{"presence":{"value":true},"join_leave":{}}}"#,
    )
}

#[test]
fn messages_nest_in_themselves() -> Tested {
    let node = |key: &str| FilterNode::new().key(key).cmp("in").vals(["1", "2"]);
    let filter = FilterNode::new()
        .op("and")
        .nodes([node("a"), FilterNode::new().op("not").nodes([node("b")])]);
    assert_json(
        &DisconnectRequest::new("")
            .disconnect(Disconnect::new(3005_u32, "bye"))
            .label_filter(filter),
        concat!(
            r#"{"disconnect":{"code":3005,"reason":"bye"},"label_filter":{"op":"and","nodes":["#,
            r#"{"key":"a","cmp":"in","vals":["1","2"]},"#,
            r#"{"op":"not","nodes":[{"key":"b","cmp":"in","vals":["1","2"]}]}]}}"#
        ),
    )
}

#[test]
fn command_names_its_method_and_is_never_null() -> Tested {
    let commands = [
        PublishRequest::new("news", "1").into(),
        InfoRequest::new().into(),
        Command::new().presence_stats(centrifugo_api::PresenceStatsRequest::new("news")),
        Command::new(),
    ];
    assert_json(
        &BatchRequest::new(commands).parallel(true),
        concat!(
            r#"{"commands":[{"publish":{"channel":"news","data":1}},{"info":{}},"#,
            r#"{"presence_stats":{"channel":"news"}},{}],"parallel":true}"#
        ),
    )
}

#[test]
fn replies_hold_an_error_or_a_result() -> Tested {
    let response: PublishResponse =
        serde_json::from_str(r#"{"error":{"code":102,"message":"unknown channel"}}"#)?;
    let error = response.error.ok_or("no error")?;
    assert_eq!(
        (error.code, error.message.as_str()),
        (102, "unknown channel")
    );
    let response: PublishResponse = serde_json::from_str(r#"{"result":{}}"#)?;
    assert_eq!(response.result, Some(Default::default()));
    let response: PublishResponse = serde_json::from_str("{}")?;
    assert_eq!((response.error, response.result), (None, None));
    let response: BatchResponse =
        serde_json::from_str(r#"{"replies":[{"publish":{"offset":3}},{"error":{"code":104}}]}"#)?;
    assert_eq!(
        response.replies[0]
            .publish
            .as_ref()
            .map(|result| result.offset),
        Some(3)
    );
    assert_eq!(
        response.replies[1].error.as_ref().map(|error| error.code),
        Some(104)
    );
    Ok(())
}

#[test]
fn doubles_are_read_from_any_number() -> Tested {
    let reply = r#"{"result":{"nodes":[{"metrics":{"interval":60,"items":{"a":18446744073709551616,"b":-1,"c":1.5e3,"d":0.1}}}]}}"#;
    let response: InfoResponse = serde_json::from_str(reply)?;
    let metrics = response.result.unwrap_or_default().nodes[0]
        .metrics
        .clone()
        .unwrap_or_default();
    assert_eq!(metrics.interval, 60.0);
    assert_eq!(
        metrics.items.into_values().collect::<Vec<_>>(),
        [18_446_744_073_709_551_616.0, -1.0, 1500.0, 0.1]
    );
    Ok(())
}

#[test]
fn unknown_fields_and_any_order_are_read() -> Tested {
    let reply = r#"{"new":[{}],"result":{"responses":[{"result":{"epoch":"e","later":null,"offset":1}}]},"error":null}"#;
    let response: BroadcastResponse = serde_json::from_str(reply)?;
    assert_eq!(
        serde_json::to_string(&response)?,
        r#"{"result":{"responses":[{"result":{"offset":1,"epoch":"e"}}]}}"#
    );
    Ok(())
}

#[test]
fn null_payload_is_the_payload_null() -> Tested {
    let response: RpcResponse = serde_json::from_str(r#"{"result":{"data":null}}"#)?;
    assert_eq!(response.result.unwrap_or_default().data, "null");
    let response: RpcResponse = serde_json::from_str(r#"{"result":{}}"#)?;
    assert_eq!(response.result.unwrap_or_default().data, "");
    assert_json(
        &PublishRequest::new("news", "null"),
        r#"{"channel":"news","data":null}"#,
    )
}

#[test]
fn any_other_null_reads_as_absent() -> Tested {
    let same = |reply: &str| serde_json::from_str::<HistoryResponse>(reply);
    assert_eq!(same("null")?, HistoryResponse::default());
    assert_eq!(
        same(r#"{"error":null,"result":null}"#)?,
        HistoryResponse::default()
    );
    assert_eq!(
        same(r#"{"result":{"publications":null,"offset":null,"epoch":null}}"#)?,
        same(r#"{"result":{}}"#)?
    );
    assert_eq!(
        same(r#"{"result":{"publications":[null,{"tags":null,"info":null}]}}"#)?,
        same(r#"{"result":{"publications":[{},{}]}}"#)?
    );
    let presence: PresenceResponse = serde_json::from_str(r#"{"result":{"presence":{"a":null}}}"#)?;
    assert_eq!(
        serde_json::to_string(&presence)?,
        r#"{"result":{"presence":{"a":{}}}}"#
    );
    let state: MapReadStateResponse = serde_json::from_str(r#"{"result":{"entries":null}}"#)?;
    assert_eq!(state.result, Some(Default::default()));
    assert_eq!(
        serde_json::from_str::<Reply>(r#"{"publish":null}"#)?,
        Reply::default()
    );
    Ok(())
}

#[test]
fn errors_name_the_field() {
    let history = r#"{"result":{"publications":[{"offset":1},{"offset":-1}]}}"#;
    assert_eq!(
        path_of_error::<HistoryResponse>(history),
        "result.publications[1].offset"
    );
    let batch = r#"{"replies":[{},{"broadcast":{"responses":[{"error":{"code":"x"}}]}}]}"#;
    assert_eq!(
        path_of_error::<BatchResponse>(batch),
        "replies[1].broadcast.responses[0].error.code"
    );
    let presence = r#"{"result":{"presence":{"a b":{"user":7}}}}"#;
    assert_eq!(
        path_of_error::<PresenceResponse>(presence),
        "result.presence.a b.user"
    );
    assert_eq!(path_of_error::<PublishResponse>("[]"), "");
}

#[test]
fn payload_that_is_not_json_is_refused_and_named() {
    for payload in [
        "hello",
        "{\"a\":1",
        "1}, \"channel\": \"other\", \"x\": {\"y\": 1",
        "\u{0}",
        " ",
        "1 2",
    ] {
        let publish = PublishRequest::new("news", payload);
        assert_refused(&publish, payload.as_bytes());
        let batch = BatchRequest::new([Command::from(InfoRequest::new()), publish.into()]);
        assert!(serde_json::to_vec(&batch).is_err(), "{payload}");
    }
    assert_refused(&PublishRequest::new("news", b"\"\xff\""), b"\"\xff\"");
}

/// Asserts that a request cannot be written, because of its `data`.
fn assert_refused(request: &PublishRequest, payload: &[u8]) {
    let case = payload.escape_ascii();
    assert!(serde_json::to_vec(request).is_err(), "{case}");
    let refused = ConsumerCommand::may_repeat(request);
    let Err(centrifugo_api::Error::InvalidRequest(error)) = refused else {
        panic!("{case}: {refused:?}");
    };
    assert_eq!(error.field(), Some("data"), "{case}");
}
