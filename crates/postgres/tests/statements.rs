//! Statements, and requests that are refused before anything is sent: without a database.

use std::time::Duration;

use centrifugo_api::{
    ConsumerCommand, HistoryRemoveRequest, MapPublishRequest, MapRemoveRequest, Payload,
    PublishRequest, StreamPosition, binary,
};
use centrifugo_postgres::{Error, MapBroker, Outbox, Parameter, Statement, StreamBroker};
use serde_json::{Value, json};

type Problem = Box<dyn std::error::Error>;
type Outcome = Result<(), Problem>;

const OUTBOX: Outbox = Outbox::constant("centrifugo_outbox");
const STREAM: StreamBroker = StreamBroker::constant("cf");
const MAP: MapBroker = MapBroker::constant("cf");

/// Returns the field that an error names.
fn field<T>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Field { field, .. }) => field,
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("no error"),
    }
}

fn publish(data: impl Into<Payload>) -> PublishRequest {
    PublishRequest::new("news", data.into())
}

fn set(data: impl Into<Payload>) -> MapPublishRequest {
    MapPublishRequest::new("board", data.into()).key("k")
}

/// Returns whether a parameter has a value, which is not the one of another field.
fn carries(statement: &Statement<'_>, value: &Value) -> bool {
    statement
        .parameters()
        .iter()
        .any(|parameter| match (parameter, value) {
            (Parameter::Text(Some(text)), Value::String(value)) => text == value,
            (Parameter::Text(Some(text)), value) => {
                serde_json::from_str::<Value>(text).is_ok_and(|json| json == *value)
            }
            (Parameter::Bigint(Some(number)), value) => value == number,
            (Parameter::Boolean(flag), value) => value == flag,
            _ => false,
        })
}

/// Checks that each field of a request is carried, or refused by its name.
fn assert_nothing_is_lost(
    fields: Value,
    refused: &[&str],
    minimal: &[&str],
    statement: impl Fn(Value) -> Result<Statement<'static>, Error>,
) {
    let fields = fields.as_object().cloned().unwrap_or_default();
    for (name, value) in &fields {
        let with_it = fields
            .iter()
            .filter(|(other, _)| *other == name || minimal.contains(&other.as_str()));
        let request = Value::from_iter(with_it.map(|(name, value)| (name.clone(), value.clone())));
        match statement(request) {
            Ok(statement) => assert!(carries(&statement, value), "{name} is lost"),
            Err(Error::Field { field, .. }) => {
                assert_eq!(&field, name);
                assert!(refused.contains(&name.as_str()), "{name} is refused");
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn no_field_of_a_publication_is_lost() -> Outcome {
    let request = PublishRequest::new("news", r#"{"n":1}"#)
        .skip_history(true)
        .tags([("place".to_owned(), "here".to_owned())])
        .idempotency_key("order-1")
        .delta(true)
        .version(7)
        .version_epoch("first");
    let fields = serde_json::to_value(&request)?;
    assert_nothing_is_lost(fields, &["skip_history"], &["channel", "data"], |request| {
        let request = serde_json::from_value(request).expect("it is a request");
        STREAM.publish_statement(&request)
    });
    Ok(())
}

#[test]
fn no_field_of_a_key_is_lost() -> Outcome {
    let request = MapPublishRequest::new("board", r#"{"n":1}"#)
        .key("k")
        .stream_data("2")
        .tags([("place".to_owned(), "here".to_owned())])
        .idempotency_key("order-1")
        .delta(true)
        .version(7)
        .version_epoch("first")
        .score(3)
        .key_mode("if_new");
    let mut fields = serde_json::to_value(&request)?;
    fields["b64stream_data"] = json!("Mg==");
    let refused = ["stream_data", "b64stream_data", "score"];
    assert_nothing_is_lost(fields, &refused, &["channel", "key", "data"], |request| {
        let request = serde_json::from_value(request).expect("it is a request");
        MAP.publish_statement(&request, None)
    });

    let request = MapRemoveRequest::new("board")
        .key("k")
        .idempotency_key("order-1");
    let fields = serde_json::to_value(&request)?;
    assert_nothing_is_lost(fields, &[], &["channel", "key"], |request| {
        let request = serde_json::from_value(request).expect("it is a request");
        MAP.remove_statement(&request, None)
    });
    Ok(())
}

#[test]
fn publication_that_postgresql_would_refuse_is_refused_before() {
    let refused = |request: PublishRequest| field(STREAM.publish_statement(&request));
    assert_eq!(refused(publish(Payload::default())), "data");
    assert_eq!(refused(publish("not JSON")), "data");
    assert_eq!(refused(publish(r#""\u0000""#)), "data");
    assert_eq!(refused(publish(binary([0, 255]))), "data");
    assert_eq!(refused(publish(binary(r#""\ud800""#))), "data");
    assert_eq!(refused(publish("1").version(u64::MAX)), "version");
    assert_eq!(refused(publish("1").version_epoch("\0")), "version_epoch");
    assert_eq!(
        refused(publish("1").idempotency_key("a\0")),
        "idempotency_key"
    );
    assert_eq!(refused(PublishRequest::new("a\0", "1")), "channel");
    let tags = [("\0".to_owned(), String::new())];
    assert_eq!(refused(publish("1").tags(tags)), "tags");
    assert_eq!(field(STREAM.position_statement("a\0")), "channel");
    let request = HistoryRemoveRequest::new("a\0");
    assert_eq!(field(STREAM.history_remove_statement(&request)), "channel");
    let request = PublishRequest::new("", "1");
    let error = STREAM
        .publish_statement(&request)
        .err()
        .map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("`channel`")));
}

#[test]
fn binary_publication_may_have_any_bytes() -> Outcome {
    for (data, bytes) in [
        (binary([0, 255]), &[0, 255][..]),
        (Payload::from(r#""\u0000""#), br#""\u0000""#),
        (binary("{}"), b"{}"),
    ] {
        let statement = STREAM.binary().publish_statement(&publish(data))?;
        assert!(statement.sql().contains("cf_binary_stream_publish("));
        assert_eq!(
            statement.parameters()[1],
            Parameter::Bytea(Some(bytes.into()))
        );
        let statement = MAP.binary().publish_statement(&set(binary(bytes)), None)?;
        assert!(statement.sql().contains("cf_binary_map_publish("));
        assert_eq!(
            statement.parameters()[2],
            Parameter::Bytea(Some(bytes.into()))
        );
    }
    // Base64 of JSON is JSON.
    let statement = STREAM.publish_statement(&publish(binary("{}")))?;
    assert_eq!(
        statement.parameters()[1],
        Parameter::Text(Some("{}".into()))
    );
    Ok(())
}

#[test]
fn key_that_postgresql_would_refuse_is_refused_before() -> Outcome {
    let refused = |request: MapPublishRequest| field(MAP.publish_statement(&request, None));
    // The SQL function would take any other mode for none.
    assert_eq!(refused(set("1").key_mode("if_absent")), "key_mode");
    assert_eq!(refused(set("1").version(u64::MAX)), "version");
    assert_eq!(refused(set("1").key("\0")), "key");
    assert_eq!(refused(set(binary([255]))), "data");
    let far = StreamPosition::new(u64::MAX, "");
    assert_eq!(
        field(MAP.publish_statement(&set("1"), Some(&far))),
        "offset"
    );
    let odd = StreamPosition::new(1, "\0");
    assert_eq!(field(MAP.publish_statement(&set("1"), Some(&odd))), "epoch");

    let minute = Duration::from_secs(60);
    let permanent = MAP.meta_ttl(minute);
    assert_eq!(
        field(permanent.publish_statement(&set("1"), None)),
        "meta_ttl"
    );
    let short = MAP.key_ttl(2 * minute).meta_ttl(minute);
    assert_eq!(field(short.publish_statement(&set("1"), None)), "meta_ttl");
    let remove = MapRemoveRequest::new("board").key("k");
    assert_eq!(field(short.remove_statement(&remove, None)), "meta_ttl");
    let seconds = |map: MapBroker<'_>| {
        let statement = map.publish_statement(&set("1"), None)?;
        Ok::<_, Error>(statement.parameters()[5].clone())
    };
    assert_eq!(seconds(MAP)?, Parameter::Double(None));
    assert_eq!(
        seconds(MAP.key_ttl(minute))?,
        Parameter::Double(Some(600.0))
    );
    assert_eq!(
        seconds(MAP.key_ttl(20 * minute))?,
        Parameter::Double(Some(1200.0))
    );
    Ok(())
}

#[test]
fn command_that_jsonb_would_refuse_is_refused_before() -> Outcome {
    let command = ConsumerCommand::new(&publish(r#""\u0000""#))?;
    assert_eq!(field(OUTBOX.write_statement(&command)), "payload");
    assert_eq!(field(OUTBOX.write_all_statement([&command])), "payload");
    assert!(OUTBOX.binary().write_statement(&command).is_ok());
    assert!(OUTBOX.binary().write_all_statement([&command]).is_ok());
    Ok(())
}

#[test]
fn names_that_need_quotes_are_refused() {
    for name in ["", "Outbox", "a-b", "\"a\"", "a; DROP TABLE b", "a.b.c"] {
        let names = [
            Outbox::new(name).err(),
            StreamBroker::new(name).err(),
            MapBroker::new(name).err(),
        ];
        for error in names {
            assert!(
                matches!(&error, Some(Error::Name { name: told, .. }) if told == name),
                "{name}"
            );
        }
    }
    assert!(Outbox::new("app.outbox").is_ok());
    assert!(StreamBroker::new("app.cf").is_err());
}

#[test]
fn prefix_may_end_as_in_centrifugos_configuration() -> Outcome {
    let statement = StreamBroker::new("prod_cf_")?.publish_statement(&publish("1"))?;
    assert!(
        statement.sql().contains(" prod_cf_stream_publish("),
        "{}",
        statement.sql()
    );
    Ok(())
}

#[test]
fn consumer_reads_this_table() -> Outcome {
    let outbox = Outbox::new("app.outbox")?.partitions(8).notify();
    let consumer = outbox
        .consumer("postgresql://c:s3cret@db/app")
        .poll_interval(Duration::from_secs(1))
        .poll_interval(Duration::from_micros(1))
        .notification_dsn("postgresql://c:s3cret@direct/app");
    let expected = json!({
        "name": "app_outbox",
        "enabled": true,
        "type": "postgresql",
        "postgresql": {
            "dsn": "postgresql://c:s3cret@db/app",
            "outbox_table_name": "app.outbox",
            "num_partitions": 8,
            "partition_notification_channel": "outbox_notify",
            "partition_poll_interval": "1ms",
            "partition_notification_dsn": "postgresql://c:s3cret@direct/app",
        },
    });
    let json: Value = serde_json::from_str(&consumer.to_json())?;
    assert_eq!(json, json!({ "consumers": [expected] }));
    let variables = consumer.to_environment();
    let [(name, value)] = &variables[..] else {
        return Err(format!("{variables:?}").into());
    };
    assert_eq!(name, "CENTRIFUGO_CONSUMERS");
    assert_eq!(serde_json::from_str::<Value>(value)?, json!([expected]));

    let plain: Value = serde_json::from_str(&OUTBOX.partitions(0).consumer("").to_json())?;
    let options = &plain["consumers"][0]["postgresql"];
    assert_eq!(options["num_partitions"], 1);
    assert_eq!(options["partition_notification_channel"], Value::Null);
    Ok(())
}

#[test]
fn debug_shows_neither_payloads_nor_passwords() -> Outcome {
    let consumer = OUTBOX.consumer("postgresql://c:s3cret@db/app");
    let request = publish(r#""s3cret""#);
    let command = ConsumerCommand::new(&request)?;
    for shown in [
        format!("{consumer:?}"),
        format!("{:?}", OUTBOX.write_statement(&command)?),
        format!("{:?}", OUTBOX.binary().write_all_statement([&command])?),
        format!("{:?}", STREAM.publish_statement(&request)?),
    ] {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    Ok(())
}
