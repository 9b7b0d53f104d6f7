//! Unusual JSON, sent and read back.

use centrifugo_api::bytes::Bytes;
use centrifugo_api::{BroadcastRequest, Error, HistoryRequest, PublishRequest};

use crate::client_kind::ClientUnderTest;
use crate::harness::{Env, Failure, Outcome, code, failure};
use crate::server::Transport;

behaviours!(everywhere:
    payloads_come_back_as_they_were_sent,
    deeply_nested_payloads_come_back,
    large_payloads_come_back,
    empty_payloads_are_refused,
    payloads_with_broken_utf_8_are_read_only_over_grpc,
);
behaviours!(across_transports:
    payloads_keep_their_bytes_from_one_transport_to_the_other,
    payloads_with_broken_utf_8_of_one_transport_are_read_only_over_grpc,
);
behaviours!(legacy_commands:
    deeply_nested_payloads_come_back,
    empty_payloads_are_refused,
    large_payloads_come_back,
    payloads_come_back_as_they_were_sent,
);
behaviours!(legacy_commands_of_6_9_1:
    payloads_with_broken_utf_8_are_read_only_over_grpc,
);

/// Payloads, and the form in which HTTP returns them: without insignificant white space, and with
/// some characters
/// escaped. gRPC and real-time clients return the exact bytes.
pub(crate) const PAYLOADS: [(&str, &str); 24] = [
    ("null", "null"),
    (r#""""#, r#""""#),
    ("{}", "{}"),
    ("[]", "[]"),
    ("false", "false"),
    ("0", "0"),
    ("-0", "-0"),
    ("1.0", "1.0"),
    ("1E5", "1E5"),
    ("1e400", "1e400"),
    (
        "123456789012345678901234567890.123456789012345678901234567890",
        "123456789012345678901234567890.123456789012345678901234567890",
    ),
    (
        "[18446744073709551615,-9223372036854775809]",
        "[18446744073709551615,-9223372036854775809]",
    ),
    (
        r#"{"a":1,"a":{"a":2,"a":3}}"#,
        r#"{"a":1,"a":{"a":2,"a":3}}"#,
    ),
    (r#"{"b":1,"a":2,"":3}"#, r#"{"b":1,"a":2,"":3}"#),
    ("{ \"a\" :\t[ 1 ,\r\n2 ] }", r#"{"a":[1,2]}"#),
    (
        r#""\" \\ \/ \b \f \n \r \t \u0000 \u001f \u0041""#,
        r#""\" \\ \/ \b \f \n \r \t \u0000 \u001f \u0041""#,
    ),
    (
        r#""<b> & </b>""#,
        r#""\u003cb\u003e \u0026 \u003c/b\u003e""#,
    ),
    (r#""\u003c \u0026 \u2028""#, r#""\u003c \u0026 \u2028""#),
    ("\"\u{2028}\u{2029}\"", r#""\u2028\u2029""#),
    (r#"{"<\u2028>":"&"}"#, r#"{"\u003c\u2028\u003e":"\u0026"}"#),
    (
        "\"é ß 漢字 \u{1F600} \u{FEFF} \u{7f} \u{10FFFF}\"",
        "\"é ß 漢字 \u{1F600} \u{FEFF} \u{7f} \u{10FFFF}\"",
    ),
    (r#""\ud83d\ude00 \u00e9""#, r#""\ud83d\ude00 \u00e9""#),
    (r#""\ud800 \udc00\ud800""#, r#""\ud800 \udc00\ud800""#),
    (
        r#"{"__proto__":{"toString":null},"data":{"channel":"x"},"error":{"code":100}}"#,
        r#"{"__proto__":{"toString":null},"data":{"channel":"x"},"error":{"code":100}}"#,
    ),
];

/// Returns the payloads in the history of `plain:a`.
async fn history(client: &ClientUnderTest) -> Result<Vec<Bytes>, Error> {
    let history = client
        .call(HistoryRequest::new("plain:a").limit(-1))
        .await?;
    Ok(history
        .publications
        .into_iter()
        .map(|publication| publication.data)
        .collect())
}

/// Checks that payloads are read in the form of the transport.
fn assert_payloads(transport: Transport, payloads: &[Bytes]) {
    assert_eq!(payloads.len(), PAYLOADS.len());
    for (payload, (sent, over_http)) in payloads.iter().zip(PAYLOADS) {
        match transport {
            Transport::Http => assert_eq!(payload, over_http),
            Transport::Grpc => assert_eq!(payload, sent),
        }
    }
}

async fn publish_all(env: &Env) -> Result<(), Failure> {
    for (sent, _) in PAYLOADS {
        env.publish("plain:a", sent).await?;
    }
    Ok(())
}

async fn payloads_come_back_as_they_were_sent(env: &Env) -> Outcome {
    publish_all(env).await?;
    assert_payloads(env.transport, &history(&env.client).await?);
    Ok(())
}

#[cfg(all(feature = "_http", feature = "grpc"))]
async fn payloads_keep_their_bytes_from_one_transport_to_the_other(env: &Env) -> Outcome {
    publish_all(env).await?;
    assert_payloads(env.transport.other(), &history(&env.other_client()).await?);
    Ok(())
}

async fn deeply_nested_payloads_come_back(env: &Env) -> Outcome {
    let arrays = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(1000), "}".repeat(1000));
    env.publish("plain:a", &arrays).await?;
    env.publish("plain:a", &objects).await?;
    assert_eq!(history(&env.client).await?, [arrays, objects]);
    Ok(())
}

async fn large_payloads_come_back(env: &Env) -> Outcome {
    let large = format!(r#""{}""#, "x".repeat(3_000_000));
    for _ in 0..3 {
        env.publish("plain:a", &large).await?;
    }
    env.client
        .broadcast(BroadcastRequest::new(["plain:a"], large.clone()))
        .await?
        .all_ok()?;
    assert_eq!(
        history(&env.client).await?,
        [large.clone(), large.clone(), large.clone(), large]
    );
    Ok(())
}

async fn empty_payloads_are_refused(env: &Env) -> Outcome {
    assert_eq!(code(env.publish("plain:a", "").await), 107);
    assert_eq!(
        code(
            env.client
                .call(PublishRequest::new("plain:a", "").binary_data(""))
                .await
        ),
        107
    );
    Ok(())
}

const BROKEN: &[u8] = b"\"caf\xe9\"";

/// Publishes a string with broken UTF-8 after another payload.
async fn publish_broken(env: &Env) -> Outcome {
    env.publish("plain:a", "1").await?;
    let request = PublishRequest::new("plain:a", "").binary_data(BROKEN);
    env.client.call(request).await?;
    Ok(())
}

/// Checks that over HTTP the error names the payload that cannot be read, and the fix.
fn assert_broken(transport: Transport, result: Result<Vec<Bytes>, Error>) {
    match transport {
        Transport::Grpc => assert_eq!(result.expect("gRPC carries any bytes"), [b"1", BROKEN]),
        Transport::Http => {
            let error = failure(result);
            assert!(matches!(error, Error::Decode { .. }), "{error:?}");
            let message = error.to_string();
            assert!(
                message.contains("`result.publications[1].data`"),
                "{message}"
            );
            assert!(message.contains("over gRPC"), "{message}");
        }
    }
}

async fn payloads_with_broken_utf_8_are_read_only_over_grpc(env: &Env) -> Outcome {
    publish_broken(env).await?;
    assert_broken(env.transport, history(&env.client).await);
    Ok(())
}

#[cfg(all(feature = "_http", feature = "grpc"))]
async fn payloads_with_broken_utf_8_of_one_transport_are_read_only_over_grpc(env: &Env) -> Outcome {
    publish_broken(env).await?;
    assert_broken(env.transport.other(), history(&env.other_client()).await);
    Ok(())
}
