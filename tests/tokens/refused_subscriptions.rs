//! Subscription tokens that are refused, with the code that the client gets.

use centrifugo_token::{Subscriber, Verifier};

use crate::Outcome;
use crate::harness::{Backend, Server, forged, forged_with, secret};

on_both!(wrong_claims_have_their_codes, wrong_signatures_are_denied);

/// Claims of a token with which the user 42 subscribes to `plain:a`, and the code.
const CLAIMS: &[(&str, u32)] = &[
    (r#"{"sub":"42","channel":"plain:a","exp":1}"#, 109),
    (r#"{"sub":"42","channel":"plain:a","nbf":4102444800}"#, 109),
    (r#"{"sub":"42","exp":1}"#, 109),
    (r#"{"sub":"42"}"#, 103),
    (r#"{"sub":"42","channel":""}"#, 103),
    (r#"{"sub":"42","channel":7}"#, 103),
    (r#"{"sub":42,"channel":"plain:a"}"#, 103),
    (r#"{"sub":"42","channel":"plain:a","b64info":"%"}"#, 103),
    (r#"{"sub":"42","channel":"plain:a","b64data":"e30"}"#, 103),
    (r#"{"sub":"42","channel":"plain:a","client":7}"#, 103),
    (r#"{"sub":"42","channel":"plain:a","override":[]}"#, 103),
    (r#"{"sub":"42","channel":"plain:a","exp":"soon"}"#, 103),
    (r#"{"sub":"42","channel":"unknown:a"}"#, 102),
    (r#"{"sub":"42","channel":"plain:b"}"#, 3500),
    (r#"{"sub":"43","channel":"plain:a"}"#, 3500),
    (r#"{"channel":"plain:a"}"#, 3500),
    (r#"{"sub":"42","channel":"plain:a","client":"other"}"#, 3500),
    (r#"{"sub":"42","channel":"plain:a","aud":null}"#, 103),
];

/// Claims about which a real server and `Verifier` disagree, and their codes.
const DIFFERENT: &[(&str, Option<u32>, Option<u32>)] = &[
    (
        r#"{"sub":"42","channel":"plain:a","exp":1,"b64info":"%"}"#,
        Some(109),
        Some(103),
    ),
    // The token is valid, but the subscription has expired.
    (
        r#"{"sub":"42","channel":"plain:a","expire_at":1}"#,
        Some(110),
        None,
    ),
];

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn differences_are_known() -> Outcome {
    let server = Server::start::<&str>(Backend::Real, &[]).await;
    for (claims, expected, ours) in DIFFERENT {
        let token = forged(claims);
        assert_eq!(
            subscribe(&server, "plain:a", &token).await,
            *expected,
            "{claims}"
        );
        assert_eq!(verify(&token), *ours, "{claims}");
    }
    Ok(())
}

async fn wrong_claims_have_their_codes(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    let mut wrong = Vec::new();
    for (claims, expected) in CLAIMS {
        let token = forged(claims);
        let code = subscribe(&server, "plain:a", &token).await;
        let verified = verify(&token);
        if (code, verified) != (Some(*expected), Some(*expected)) {
            wrong.push(format!("{claims}: {code:?}, {verified:?}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unknown = forged(r#"{"sub":"42","channel":"unknown:a"}"#);
    assert_eq!(subscribe(&server, "unknown:a", &unknown).await, Some(102));
    Ok(())
}

/// Returns the code with which a client is refused.
async fn subscribe(server: &Server, channel: &str, token: &str) -> Option<u32> {
    let client = server.connect(&forged(r#"{"sub":"42"}"#)).await;
    let mut client = client.expect("the user connects");
    client.subscribe_with(channel, token).await.err()
}

/// Returns the code with which `Verifier` refuses a token.
fn verify(token: &str) -> Option<u32> {
    let verifier = Verifier::new(&crate::harness::key()).namespaces(["plain"]);
    let subscriber = Subscriber {
        user: "42",
        channel: "plain:a",
        client: "some",
    };
    let verified = verifier.subscription(token);
    let checked = verified.and_then(|token| token.check(&subscriber));
    checked.err().map(|refusal| refusal.code().number())
}

async fn wrong_signatures_are_denied(backend: Backend) -> Outcome {
    let server = Server::start::<&str>(backend, &[]).await;
    let claims = r#"{"sub":"42","channel":"plain:a"}"#;
    for token in [
        "a.b.c".to_owned(),
        forged_with(&secret("another"), r#"{"alg":"HS256"}"#, claims),
        forged_with(&crate::harness::key(), r#"{"alg":"none"}"#, claims),
    ] {
        assert_eq!(
            subscribe(&server, "plain:a", &token).await,
            Some(103),
            "{token}"
        );
        assert_eq!(verify(&token), Some(103), "{token}");
    }
    Ok(())
}
