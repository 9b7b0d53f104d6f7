//! Connection tokens as other libraries may write them.

use centrifugo_token::Verifier;

use crate::Outcome;
use crate::harness::{Backend, Server, forged, key};

on_both!(hand_written_claims_are_accepted);

/// Claims, and the user.
const HAND_WRITTEN: &[(&str, &str)] = &[
    (r#"{}"#, ""),
    (r#"{"sub":"42","exp":4102444800.5}"#, "42"),
    (r#"{"sub":"42","exp":"4102444800"}"#, "42"),
    (r#"{"sub":"42","exp":null}"#, "42"),
    (
        r#"{"sub":"42","nbf":null,"iat":null,"iss":null,"info":null}"#,
        "42",
    ),
    (
        r#"{"sub":"42","channels":null,"subs":null,"expire_at":null}"#,
        "42",
    ),
    (r#"{"SUB":"42"}"#, "42"),
    (r#" {"sub":"42"} "#, "42"),
    (r#"{"sub":"42","aud":""}"#, "42"),
    (r#"{"sub":"42","info":null,"b64info":""}"#, "42"),
    (r#"{"sub":"42","meta":7,"labels":7,"caps":7}"#, "42"),
    (
        r#"{"sub":"42","channels":["poll:a","map:a","$plain:a"]}"#,
        "42",
    ),
    (
        r#"{"sub":"42","subs":{"plain:a":{"other":7,"override":{"presence":{}}}}}"#,
        "42",
    ),
    (r#"{"sub":"42","aud":"a"}"#, "42"),
    (r#"{"sub":"42","aud":["a","b"]}"#, "42"),
    (r#"{"sub":"42","expire_at":4102444800}"#, "42"),
    (r#"{"sub":"42","exp":4102444800,"expire_at":-1}"#, "42"),
    (r#"{"sub":"42","channel":""}"#, "42"),
    (
        r#"{"sub":"42","channels":["unknown:a"],"subs":{"plain:a":{}}}"#,
        "42",
    ),
    (r#"{"sub":"42","channels":["plain:a","plain:a"]}"#, "42"),
];

async fn hand_written_claims_are_accepted(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    let verifier = Verifier::new(&key());
    for (claims, user) in HAND_WRITTEN {
        let token = forged(claims);
        let client = server.connect(&token).await;
        let mut client = client.unwrap_or_else(|code| panic!("{claims}: refused with {code}"));
        assert_eq!(client.subscribe("plain:seen").await, Ok(()), "{claims}");
        let member = server.member("plain:seen", client.id()).await;
        let seen = member.map(|member| member.user);
        assert_eq!(seen.as_deref(), Some(*user), "{claims}");
        let verified = verifier.connection(&token).map(|token| token.user);
        assert_eq!(verified.as_deref(), Ok(*user), "{claims}");
    }
    Ok(())
}
