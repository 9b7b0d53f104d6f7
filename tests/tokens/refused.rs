//! Connection tokens that are refused, with the code that the client gets.

use centrifugo_token::Verifier;

use crate::Outcome;
use crate::harness::{Backend, Server, forged, forged_with, key, secret};

on_both!(
    wrong_claims_have_their_codes,
    connection_that_has_expired_is_refused,
    wrong_signatures_are_invalid,
);

/// Claims, and the code of the servers and of `Verifier`.
const CLAIMS: &[(&str, u32)] = &[
    (r#"{"sub":"42","exp":1}"#, 109),
    (r#"{"sub":"42","exp":-1}"#, 109),
    (r#"{"sub":"42","exp":0}"#, 109),
    (r#"{"sub":"42","nbf":4102444800}"#, 109),
    (r#"{"sub":"42","exp":1,"channels":["unknown:a"]}"#, 109),
    (r#"{"sub":"42","channels":["unknown:a"]}"#, 102),
    (r#"{"sub":"42","subs":{"unknown:a":{}}}"#, 102),
    (r#"{"sub":"42","subs":{"plain:a":{"b64info":"%"}}}"#, 3500),
    (r#"{"sub":"42","subs":{"plain:a":{"b64data":"e30"}}}"#, 3500),
    (r#"{"sub":"42","subs":[]}"#, 3500),
    (r#"{"sub":"42","channels":"plain:a"}"#, 3500),
    (r#"{"sub":"42","channel":"plain:a"}"#, 3500),
    (r#"{"sub":"42","channel":"plain:a","exp":1}"#, 3500),
    (r#"{"sub":42}"#, 3500),
    (r#"{"sub":"42","exp":"soon"}"#, 3500),
    (r#"{"sub":"42","exp":true}"#, 3500),
    (r#"{"sub":"42","expire_at":"0"}"#, 3500),
    (r#"{"sub":"42","expire_at":1.5}"#, 3500),
    (r#"{"sub":"42","aud":7}"#, 3500),
    (r#"{"sub":"42","iss":7}"#, 3500),
    (r#"{"sub":"42","iat":"now"}"#, 3500),
    (r#"{"sub":"42","jti":7}"#, 3500),
    (r#"{"sub":"42","aud":[null]}"#, 3500),
    (r#"{"sub":"42","exp":1e400}"#, 3500),
    (r#"{"sub":"42","exp":-1e300}"#, 109),
    (r#"{"sub":"42","nbf":""}"#, 3500),
    (r#"{"sub":"42","b64info":7}"#, 3500),
    (r#"{"sub":"42","channels":["plain:a",7]}"#, 3500),
    (r#"{"sub":"42","channels":["/plain:a"]}"#, 102),
    (r#"{"sub":"42","subs":{"plain:a":[]}}"#, 3500),
    (
        r#"{"sub":"42","subs":{"plain:a":{"override":{"presence":true}}}}"#,
        3500,
    ),
    (
        r#"{"sub":"42","subs":{"plain:a":{"override":{"presence":{"value":1}}}}}"#,
        3500,
    ),
    ("7", 3500),
    ("", 3500),
    (r#"[]"#, 3500),
    (r#"{"sub":"42""#, 3500),
    // Centrifugo takes this one for its own failure, and clients try it again.
    (r#"{"sub":"42","b64info":"%"}"#, 100),
    (r#"{"sub":"42","b64info":"%","exp":1}"#, 109),
    (r#"{"sub":"42","aud":null}"#, 3500),
    (r#"{"sub":"42","exp":" 4102444800"}"#, 3500),
    // The time overflows.
    (r#"{"sub":"42","exp":9223372036854775807}"#, 109),
];

/// Claims that a real server accepts and `Verifier`, which is stricter, refuses; their codes.
const DIFFERENT: &[(&str, Option<u32>, Option<u32>)] = &[
    (r#"{"sub":"1","sub":"42"}"#, None, Some(3500)),
    (r#"{"sub":"1","SUB":"42"}"#, None, Some(3500)),
    (r#"{"sub":"42","channels":[null]}"#, None, Some(3500)),
    (r#"{"sub":"42","subs":{"plain:a":null}}"#, None, Some(3500)),
    (r#"{"sub":"\ud800"}"#, None, Some(3500)),
    ("null", None, Some(3500)),
];

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn differences_are_known() -> Outcome {
    let server = Server::start::<&str>(Backend::Real, &[]).await;
    let verifier = Verifier::new(&key()).namespaces(["plain"]);
    for (claims, expected, ours) in DIFFERENT {
        let token = forged(claims);
        assert_eq!(server.connect(&token).await.err(), *expected, "{claims}");
        let refusal = verifier.connection(&token).err();
        let refusal = refusal.map(|refusal| refusal.code().number());
        assert_eq!(refusal, *ours, "{claims}");
    }
    Ok(())
}

/// The token is valid, and `Verifier` tells when the connection expires.
async fn connection_that_has_expired_is_refused(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    let token = forged(r#"{"sub":"42","exp":4102444800,"expire_at":1}"#);
    assert_eq!(server.connect(&token).await.err(), Some(110));
    let verified = Verifier::new(&key()).connection(&token)?;
    assert_eq!(verified.expires_at, Some(1));
    Ok(())
}

async fn wrong_claims_have_their_codes(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    let verifier = Verifier::new(&key()).namespaces(["plain"]);
    let mut wrong = Vec::new();
    for (claims, expected) in CLAIMS {
        let token = forged(claims);
        let code = server.connect(&token).await.err();
        let refusal = verifier.connection(&token).err();
        let refusal = refusal.map(|refusal| refusal.code().number());
        if (code, refusal) != (Some(*expected), Some(*expected)) {
            wrong.push(format!("{claims}: {code:?}, {refusal:?}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

async fn wrong_signatures_are_invalid(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    let verifier = Verifier::new(&key());
    let claims = r#"{"sub":"42"}"#;
    let right = forged(claims);
    let header = |header| forged_with(&key(), header, claims);
    let tokens = [
        "a.b.c".to_owned(),
        right.trim_end_matches(|end| end != '.').to_owned(),
        right.replace('.', ""),
        format!("{right}="),
        forged_with(&secret("another"), r#"{"alg":"HS256"}"#, claims),
        header(r#"{"alg":"none"}"#),
        header(r#"{"alg":"hs256"}"#),
        header(r#"{"alg":"HS384"}"#),
        header(r#"{"alg":"RS256"}"#),
        header(r#"{"alg":"ES256"}"#),
        header(r#"{"alg":"EdDSA"}"#),
        header(r#"{"alg":"PS256"}"#),
        header(r#"{"alg":"HS256","typ":5}"#),
        header(r#"{"alg":"HS256","cty":["JWT"]}"#),
        header(r#"{}"#),
        header(r#"HS256"#),
    ];
    for token in tokens {
        let code = server.connect(&token).await.err();
        let refusal = verifier.connection(&token).err();
        let refusal = refusal.map(|refusal| refusal.code().number());
        assert_eq!((code, refusal), (Some(3500), Some(3500)), "{token}");
    }
    let accepted = forged_with(
        &key(),
        r#"{"alg":"HS256","typ":"x","cty":"y","zip":1}"#,
        claims,
    );
    assert!(server.connect(&accepted).await.is_ok());
    assert!(verifier.connection(&accepted).is_ok());
    Ok(())
}
