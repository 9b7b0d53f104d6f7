//! Bad replies over HTTP: none of them is a success, and the error says what is wrong and where.

use centrifugo_api::{HistoryRequest, PresenceRequest};

use crate::fake_http::{Answer, FakeHttp};
use crate::{Outcome, assert_decode, assert_lost, assert_says, client, failure, publish};

async fn failure_of(answer: Answer, case: &str) -> centrifugo_api::Error {
    let fake = FakeHttp::always(answer);
    failure(&client(&fake.url()), case).await
}

#[tokio::test]
async fn reply_with_neither_error_nor_result_is_no_success() {
    for body in [
        "{}",
        r#"{"error":null,"result":null}"#,
        r#"{"results":{"offset":1}}"#,
        r#"{"Result":{"offset":1}}"#,
        r#"{"status":"ok"}"#,
    ] {
        let error = failure_of(Answer::json(body), body).await;
        assert_decode(&error, body);
        assert_says(&error, "neither an error nor a result", body);
        assert_says(&error, body, body);
    }
}

#[tokio::test]
async fn reply_of_the_wrong_shape_names_the_field() {
    for (body, field) in [
        (r#"{"result":{"offset":"1"}}"#, "`result.offset`"),
        (r#"{"result":{"offset":-1}}"#, "`result.offset`"),
        (r#"{"result":{"offset":1.5}}"#, "`result.offset`"),
        (
            r#"{"result":{"offset":18446744073709551616}}"#,
            "`result.offset`",
        ),
        (r#"{"result":{"offset":true}}"#, "`result.offset`"),
        (r#"{"result":{"offset":{}}}"#, "`result.offset`"),
        (r#"{"result":{"epoch":1}}"#, "`result.epoch`"),
        (r#"{"result":[]}"#, "`result`"),
        (r#"{"result":"ok"}"#, "`result`"),
        (r#"{"result":true}"#, "`result`"),
        (r#"{"error":"internal"}"#, "`error`"),
        (r#"{"error":{"code":"100"}}"#, "`error.code`"),
        (r#"{"error":{"code":4294967296}}"#, "`error.code`"),
        (r#"{"error":{"code":100,"message":5}}"#, "`error.message`"),
    ] {
        let error = failure_of(Answer::json(body), body).await;
        assert_decode(&error, body);
        assert_says(&error, field, body);
        assert_says(&error, "schema's shape", body);
    }
}

#[tokio::test]
async fn wrong_field_deep_in_a_reply_is_named_with_its_path() {
    let fake = FakeHttp::always(Answer::json(
        r#"{"result":{"publications":[{"offset":1,"data":{}},{"offset":"2","data":{}}]}}"#,
    ));
    let error = client(&fake.url())
        .history(HistoryRequest::new("news"))
        .await
        .expect_err("a success");
    assert_says(&error, "`result.publications[1].offset`", "list");
    let fake = FakeHttp::always(Answer::json(
        r#"{"result":{"presence":{"c1":{"user":42}}}}"#,
    ));
    let error = client(&fake.url())
        .presence(PresenceRequest::new("news"))
        .await
        .expect_err("a success");
    assert_says(&error, "`result.presence.c1.user`", "map");
}

#[tokio::test]
async fn reply_that_is_not_an_object_is_no_success() {
    for body in [
        "null",
        "true",
        "42",
        r#""ok""#,
        "[]",
        r#"[{"result":{}}]"#,
        "{}{}",
    ] {
        assert_decode(&failure_of(Answer::json(body), body).await, body);
    }
}

#[tokio::test]
async fn reply_that_is_not_json_is_no_success() {
    for body in [
        "ok",
        r#"{"result":{}}x"#,
        r#"{"result":{},}"#,
        r#"{result:{}}"#,
        r#"{"result":{}}{}"#,
    ] {
        let error = failure_of(Answer::json(body), body).await;
        assert_decode(&error, body);
        assert_says(&error, "not JSON", body);
        assert_says(&error, body, body);
    }
    for body in [
        "<!DOCTYPE html><html><body>Please log in</body></html>".as_bytes(),
        b"<html><title>Zugang verweigert f\xfcr alle</title></html>",
        b"\x1f\x8b\x08\x00\xff\xff\xff",
    ] {
        let case = String::from_utf8_lossy(body);
        let error = failure_of(Answer::html(200, body), &case).await;
        assert_decode(&error, &case);
        assert_says(
            &error,
            "not JSON: is the URL Centrifugo's server API?",
            &case,
        );
    }
}

#[tokio::test]
async fn empty_reply_is_no_success() {
    for (answer, case) in [
        (Answer::json(""), "empty"),
        (Answer::json(" \r\n"), "blank"),
        (Answer::head(204, &[]), "204"),
        (Answer::with(205, &[], ""), "205"),
        (Answer::chunks([]).end_of_chunks(), "no chunks"),
        (Answer::head(200, &[]).close(), "no length, and closed"),
    ] {
        assert_decode(&failure_of(answer, case).await, case);
    }
}

#[tokio::test]
async fn json_cut_short_is_no_success() {
    let whole = r#"{"result":{"offset":12,"epoch":"ab"}}"#;
    for length in 1..whole.len() {
        let body = &whole[..length];
        for answer in [
            Answer::json(body),
            Answer::head(200, &[]).write(body).close(),
        ] {
            let error = failure_of(answer, body).await;
            assert_decode(&error, body);
            assert_says(&error, "cut short", body);
        }
    }
}

#[tokio::test]
async fn connection_lost_within_a_reply_is_no_success() {
    let whole = r#"{"result":{"offset":1}}"#;
    let announced = Answer::head(200, &[("Content-Length", "1000")]);
    for (answer, case) in [
        (announced.clone().close(), "head alone"),
        (
            announced.clone().write(&whole[..9]).close(),
            "part of the body",
        ),
        // It reads as a successful reply, but it is shorter than announced.
        (
            announced.write(whole).close(),
            "JSON before the announced end",
        ),
        (Answer::chunks([&whole[..9]]).close(), "one chunk of two"),
        (Answer::chunks([whole]).close(), "chunks without end"),
        (
            Answer::chunks([]).write("ff\r\n{}").close(),
            "part of a chunk",
        ),
        (
            Answer::raw("HTTP/1.1 200 OK\r\nContent-Le").close(),
            "part of the head",
        ),
        (Answer::raw("HTTP/1.1 2").close(), "part of the status line"),
        (Answer::nothing(), "nothing"),
        (Answer::raw("garbage\r\n\r\n").close(), "no HTTP"),
        (Answer::chunks([]).write("no size\r\n").close(), "no chunk"),
    ] {
        assert_lost(&failure_of(answer, case).await, case);
    }
}

#[tokio::test]
async fn broken_text_in_a_payload_is_reported_with_the_way_out() {
    let body = b"{\"result\":{\"publications\":[{\"offset\":1,\"data\":\"\xff\xfe\"}]}}";
    let fake = FakeHttp::always(Answer::json(body));
    let error = client(&fake.url())
        .history(HistoryRequest::new("news"))
        .await
        .expect_err("a success");
    assert!(
        matches!(error, centrifugo_api::Error::Decode { .. }),
        "{error:?}"
    );
    assert_says(&error, "`result.publications[0].data`", "broken UTF-8");
    assert_says(&error, "gRPC", "broken UTF-8");
}

#[tokio::test]
async fn good_replies_pass_however_they_come() -> Outcome {
    let (start, end) = (r#"{"result":{"off"#, r#"set":5}}"#);
    let whole = format!("{start}{end}");
    for (answer, case) in [
        (Answer::json(&whole), "at once"),
        (Answer::json(format!("\n {whole}\r\n")), "white space"),
        (Answer::html(201, &whole), "another type and status"),
        (Answer::chunks([start, end]).end_of_chunks(), "chunks"),
        (
            Answer::head(200, &[]).write(&whole).close(),
            "up to the end of the connection",
        ),
        (
            Answer::raw("HTTP/1.1 103 Early Hints\r\n\r\n").write(answer_bytes(&whole)),
            "a hint before",
        ),
    ] {
        let fake = FakeHttp::always(answer);
        let result = publish(&client(&fake.url()))
            .await
            .map_err(|error| format!("{case}: {error:?}"))?;
        assert_eq!(result.offset, 5, "{case}");
    }
    Ok(())
}

fn answer_bytes(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
