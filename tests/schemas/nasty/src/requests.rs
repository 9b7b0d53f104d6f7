//! Constructors and setters of requests.

use centrifugo_api::api::{
    Choices, Color, Enums, EverythingRequest, Maps, Names, Optionals, Scalars, Tree, Twins,
    Wrappers, choices, enums, outer, tree,
};
use centrifugo_api::bytes::Bytes;
use centrifugo_api::prost::Message;
use centrifugo_api::{BatchRequest, Command, MoveRequest, PublishRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Tested;

fn assert_json<
    M: Message + Default + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
>(
    message: &M,
    json: &str,
) -> Tested {
    assert_eq!(serde_json::to_string(message)?, json);
    assert_eq!(&serde_json::from_str::<M>(json)?, message);
    assert_eq!(&M::decode(&*message.encode_to_vec())?, message);
    Ok(())
}

#[test]
fn new_request_has_the_same_setters_as_an_old_one() -> Tested {
    let request = MoveRequest::new()
        .from("a")
        .to("b")
        .data(r#"{"fast":true}"#);
    assert_json(&request, r#"{"from":"a","to":"b","data":{"fast":true}}"#)?;
    assert_json(
        &request.binary_data([0]),
        r#"{"from":"a","to":"b","b64data":"AA=="}"#,
    )
}

#[test]
fn commands_are_made_of_new_requests() -> Tested {
    let batch = BatchRequest::new([
        Command::from(MoveRequest::new().from("a")),
        PublishRequest::new("news", "1").into(),
        outer::Ask::new()
            .with_kind(outer::middle::Kind::Known)
            .into(),
        Command::new()
            .r#type(centrifugo_api::TypeRequest::new().r#type("x"))
            .labels([("a", "b")]),
        Command::new().with_default(centrifugo_api::DefaultRequest::new()),
        Command::new()
            .parts(centrifugo_api::PartsRequest::new())
            .self_(centrifugo_api::SelfRequest::new()),
    ]);
    let json = concat!(
        r#"{"commands":[{"move":{"from":"a"}},{"publish":{"channel":"news","data":1}},{"nested":{"kind":1}},"#,
        r#"{"type":{"type":"x"},"labels":{"a":"b"}},{"default":{}},{"parts":{},"self":{}}]}"#
    );
    assert_json(&batch, json)
}

#[test]
fn setters_give_way_to_existing_functions() -> Tested {
    let names = Names::new()
        .with_with_new("a")
        .with_with_maybe("b")
        .with_new("c")
        .with_maybe("d")
        .with_default("e")
        .with_clone("f")
        .r#type("g")
        .self_("h")
        .r#match("i")
        .super_("j")
        .r#gen("k")
        .r#try("null")
        .hash_map("l")
        .value([("m", "n")])
        .key(["o"]);
    let names = names.clone();
    let json = serde_json::to_value(&names)?;
    assert_eq!(json["super"], "j");
    assert_eq!(
        (&json["new"], &json["with_new"]),
        (&"a".into(), &"c".into())
    );
    assert_eq!(
        (&json["maybe"], &json["with_maybe"]),
        (&"b".into(), &"d".into())
    );
    assert_json(&names, &serde_json::to_string(&names)?)
}

#[test]
fn enums_are_numbers() -> Tested {
    let message = Enums::new()
        .with_with_color(Color::Red)
        .with_option(enums::Option::Some)
        .with_options([enums::Option::Some, enums::Option::None])
        .with_maybe(enums::Option::None)
        .named([("a", enums::Option::Some)])
        .with_set_color(true)
        .with_color(true);
    assert_eq!(
        (message.color(), message.maybe()),
        (Color::Red, enums::Option::None)
    );
    assert_json(
        &message,
        r#"{"color":1,"option":1,"options":[1,0],"maybe":0,"named":{"a":1},"set_color":true,"with_color":true}"#,
    )
}

#[test]
fn oneof_is_the_field_that_is_set() -> Tested {
    let choice = |choice| {
        Choices::new()
            .choice(choice)
            .value(choices::ValueOneOf::Number(0))
            .between("x")
    };
    for (set, json) in [
        (choices::Choice::AString(String::new()), r#""a_string":"""#),
        (
            choices::Choice::AnUint64(u64::MAX),
            r#""an_uint64":18446744073709551615"#,
        ),
        (
            choices::Choice::APayload("null".into()),
            r#""a_payload":null"#,
        ),
        (
            choices::Choice::AColor(Color::Self_ as i32),
            r#""a_color":-7"#,
        ),
        (
            choices::Choice::Recursive(Box::default()),
            r#""recursive":{}"#,
        ),
        (
            choices::Choice::AValue(choices::Value::default()),
            r#""a_value":{}"#,
        ),
    ] {
        assert_json(
            &choice(set),
            &format!(r#"{{"between":"x",{json},"number":0}}"#),
        )?;
    }
    Ok(())
}

#[test]
fn maps_have_keys_and_values_of_every_kind() -> Tested {
    let message = Maps::new()
        .int32_keys([(-1, 0.5)])
        .bool_keys([(true, 1), (false, 0)])
        .numbered_payloads([(i64::MIN, "{}")])
        .switched_payloads([(true, "[1]")])
        .numbered_colors([(1, Color::Green)])
        .recursive([(false, Maps::new().strings([("a", "b")]))]);
    assert_json(
        &message,
        concat!(
            r#"{"int32_keys":{"-1":0.5},"bool_keys":{"false":0,"true":1},"#,
            r#""numbered_payloads":{"-9223372036854775808":{}},"switched_payloads":{"true":[1]},"#,
            r#""numbered_colors":{"1":2},"recursive":{"false":{"strings":{"a":"b"}}}}"#
        ),
    )
}

#[test]
fn optional_zeros_are_written() -> Tested {
    assert_json(&Scalars::new().a_bool(false).an_int64(0), "{}")?;
    let message = Optionals::new()
        .with_a_bool(false)
        .with_an_int64(0)
        .with_a_string("")
        .with_a_payload("null");
    assert_json(
        &message,
        r#"{"an_int64":0,"a_bool":false,"a_string":"","a_payload":null}"#,
    )?;
    assert_eq!((message.an_int64(), message.an_int32()), (0, 0));
    Ok(())
}

#[test]
fn wrappers_are_made_of_what_they_wrap() -> Tested {
    let message = Wrappers::new()
        .a_double(0.0)
        .a_string("x".to_owned())
        .a_payload(Bytes::from("1"))
        .a_color(Color::Green as i32)
        .bools([true, false])
        .list(vec!["y".to_owned()]);
    assert_json(
        &message,
        concat!(
            r#"{"a_double":{},"a_string":{"value":"x"},"a_payload":{"value":1},"a_color":{"value":2},"#,
            r#""bools":[{"value":true},{}],"list":{"value":["y"]}}"#
        ),
    )
}

#[test]
fn messages_hold_themselves() -> Tested {
    let leaf = Tree::new().kind(tree::Kind::Leaf("x".to_owned()));
    let tree = Tree::new()
        .left(leaf.clone())
        .children([leaf.clone()])
        .named([("a", leaf)])
        .data("0");
    assert_json(
        &EverythingRequest::new().tree(tree),
        r#"{"tree":{"left":{"leaf":"x"},"children":[{"leaf":"x"}],"named":{"a":{"leaf":"x"}},"data":0}}"#,
    )
}

#[test]
fn only_a_plain_payload_with_a_plain_twin_has_a_binary_setter() -> Tested {
    let message = Twins::new()
        .binary_data("x")
        .with_info("1")
        .with_b64info("eA==")
        .items(["1"])
        .binary_taken(true);
    assert_json(
        &message,
        r#"{"b64data":"eA==","info":1,"b64info":"eA==","items":[1],"binary_taken":true}"#,
    )
}
