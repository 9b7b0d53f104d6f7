//! The JSON of the shipped schema's messages, and the types that they share with the SDK.

use std::error::Error;

use centrifugo_proxy::messages::{
    ChannelEvent, ConnectRequest, ConnectResponse, ConnectResult, Disconnect, FilterNode,
    MapPublishResult, NotifyChannelStateRequest, PublishRequest, PublishResponse, PublishResult,
    RefreshResponse, RefreshResult, RpcRequest, RpcResponse, RpcResult, SharedPollRefreshRequest,
    SharedPollRefreshResult, SharedPollRefreshResultItem, SubRefreshResult,
    SubscribeOptionOverride, SubscribeOptions, SubscribeRequest, SubscribeResult,
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

#[test]
fn zero_values_are_left_out() -> Tested {
    assert_json(&ConnectRequest::new(), "{}")?;
    assert_json(&PublishRequest::new("", ""), "{}")?;
    assert_json(&RefreshResult::new().expired(false).expire_at(0), "{}")?;
    let result = ConnectResult::new().subs([("news", SubscribeOptions::new())]);
    assert_json(&result, r#"{"subs":{"news":{}}}"#)
}

#[test]
fn set_result_is_written_without_fields() -> Tested {
    let mut response = RefreshResponse::new();
    assert_json(&response, "{}")?;
    response.result = Some(RefreshResult::new());
    assert_json(&response, r#"{"result":{}}"#)
}

#[test]
fn request_is_read_as_centrifugo_writes_it() -> Tested {
    let json = r#"{"client":"9336a229","transport":"websocket","protocol":"json","encoding":"json","user":"56","channel":"news","data":{"text": "hi"},"meta":{"a":1},"labels":{"b":"c"}}"#;
    let request = PublishRequest::new("news", r#"{"text": "hi"}"#)
        .client("9336a229")
        .transport("websocket")
        .protocol("json")
        .encoding("json")
        .user("56")
        .meta(r#"{"a":1}"#)
        .labels([("b", "c")]);
    assert_json(&request, json)
}

#[test]
fn payloads_keep_every_byte() -> Tested {
    let payload = r#"{"a":1,"a":123456789012345678901234567890, "b":1e400,"c":1.0,"d":"\ud800\u2028 <&>","e":-0.0}"#;
    let json = format!(r#"{{"method":"sum","data": {payload} }}"#);
    assert_eq!(serde_json::from_str::<RpcRequest>(&json)?.data, payload);
    assert_json(
        &RpcResult::new().data(payload),
        &format!(r#"{{"data":{payload}}}"#),
    )
}

#[test]
fn payload_that_is_no_json_is_refused() {
    for payload in ["hello", "{", "1 2", r#"1},"error":{"#] {
        let response = RpcResponse::new().result(RpcResult::new().data(payload));
        assert!(serde_json::to_string(&response).is_err(), "{payload}");
    }
}

#[test]
fn binary_payloads_are_base64_in_the_twin() -> Tested {
    let result = PublishResult::new().data("1").binary_data([0, 255, 254]);
    assert_json(&result, r#"{"b64data":"AP/+"}"#)?;
    assert_json(&result.data("2"), r#"{"data":2}"#)?;
    let result = MapPublishResult::new()
        .binary_data("x")
        .binary_stream_data("xy");
    assert_json(&result, r#"{"b64data":"eA==","b64stream_data":"eHk="}"#)?;
    let result = ConnectResult::new().binary_info("x").binary_data("y");
    assert_json(&result, r#"{"b64info":"eA==","b64data":"eQ=="}"#)
}

#[test]
fn null_is_absent_except_as_payload() -> Tested {
    let json = r#"{"client":null,"channels":null,"b64data":null,"name":null}"#;
    assert_eq!(
        serde_json::from_str::<ConnectRequest>(json)?,
        ConnectRequest::new()
    );
    let json = r#"{"result":null,"error":null,"disconnect":null}"#;
    assert_eq!(
        serde_json::from_str::<ConnectResponse>(json)?,
        ConnectResponse::new()
    );
    let request: RpcRequest = serde_json::from_str(r#"{"data":null,"meta":null,"labels":null}"#)?;
    assert_eq!(request, RpcRequest::new("").data("null").meta("null"));
    Ok(())
}

#[test]
fn unknown_fields_are_ignored() -> Tested {
    let json = r#"{"channel":"news","more":{"data":[1e400]},"items":[{"key":"a","more":1,"version":18446744073709551615}]}"#;
    let request: SharedPollRefreshRequest = serde_json::from_str(json)?;
    assert_eq!(request.channel, "news");
    assert_eq!(request.items[0].version, u64::MAX);
    Ok(())
}

#[test]
fn field_that_is_there_twice_is_refused() {
    for json in [
        r#"{"channel":"a","channel":"b"}"#,
        r#"{"data":1,"data":2}"#,
        r#"{"channel":"a","channel":null}"#,
    ] {
        let error = serde_json::from_str::<SubscribeRequest>(json).expect_err("it is refused");
        assert!(error.to_string().contains("duplicate field"), "{error}");
    }
}

#[test]
fn integers_are_plain_numbers() -> Tested {
    let result = SubRefreshResult::new().expire_at(i64::MAX);
    assert_json(&result, r#"{"expire_at":9223372036854775807}"#)?;
    assert!(serde_json::from_str::<SubRefreshResult>(r#"{"expire_at":"1"}"#).is_err());
    let events = [ChannelEvent::new()
        .time_ms(1_700_000_000_000)
        .channel("news")
        .r#type("occupied")];
    assert_json(
        &NotifyChannelStateRequest::new(events),
        r#"{"events":[{"time_ms":1700000000000,"channel":"news","type":"occupied"}]}"#,
    )
}

#[test]
fn answers_are_written_as_centrifugo_reads_them() -> Tested {
    let options = SubscribeOptionOverride::new()
        .presence(true)
        .join_leave(false);
    let filter = FilterNode::new().key("kind").cmp("eq").val("a");
    let result = SubscribeResult::new()
        .expire_at(1_700_000_000)
        .info(r#"{"name":"Alice"}"#)
        .r#override(options)
        .allow(["pub"])
        .server_tags_filter(filter);
    assert_json(
        &result,
        r#"{"expire_at":1700000000,"info":{"name":"Alice"},"override":{"presence":{"value":true},"join_leave":{}},"allow":["pub"],"server_tags_filter":{"key":"kind","cmp":"eq","val":"a"}}"#,
    )?;
    let response = PublishResponse::new().disconnect((4500, "banned"));
    assert_json(
        &response,
        r#"{"disconnect":{"code":4500,"reason":"banned"}}"#,
    )?;
    let items = [
        SharedPollRefreshResultItem::new("a")
            .data("[1]")
            .version(2_u64),
        SharedPollRefreshResultItem::new("b").removed(true),
    ];
    assert_json(
        &SharedPollRefreshResult::new(items).epoch("e"),
        r#"{"items":[{"key":"a","data":[1],"version":2},{"key":"b","removed":true}],"epoch":"e"}"#,
    )
}

#[test]
fn messages_of_server_api_are_the_same_types() {
    let disconnect: Disconnect = centrifugo_api::Disconnect::new(4000_u32, "again");
    let filter: FilterNode = centrifugo_api::FilterNode::new();
    let options: SubscribeOptionOverride = centrifugo_api::SubscribeOptionOverride::new();
    let value: centrifugo_proxy::messages::BoolValue = centrifugo_api::BoolValue::new(true);
    let number: centrifugo_proxy::messages::Int32Value = centrifugo_api::Int32Value::new(1);
    let error: centrifugo_proxy::messages::Error = centrifugo_api::api::Error::new(400_u32, "no");
    assert_eq!((disconnect.code, error.code), (4000, 400));
    assert_eq!((value.value, number.value), (true, 1));
    assert_eq!((filter, options), Default::default());
}
