//! Rules of the configuration: audience, issuer, the claim of the user, the secret used before, keys for subscriptions.

use std::time::{Duration, SystemTime};

use centrifugo_token::{ConnectionClaims, Key, SubscriptionClaims, TokenConfiguration};

use crate::Outcome;
use crate::harness::{Backend, Server, forged_with, key, minute, secret};

on_both!(
    configured_rules_apply,
    subscription_tokens_have_their_own_keys
);

/// Claims of tokens for the configuration below, and the code or the user.
const CLAIMS: &[(&str, Result<&str, u32>)] = &[
    (r#"{"aud":"web","iss":"backend","account":"7"}"#, Ok("7")),
    (
        r#"{"aud":["app","web"],"iss":"backend","account":"7","sub":"42"}"#,
        Ok("7"),
    ),
    (r#"{"aud":"web","iss":"backend","account":7}"#, Ok("7")),
    (
        r#"{"aud":"web","iss":"backend","account":true}"#,
        Ok("true"),
    ),
    (r#"{"aud":"web","iss":"backend","sub":"42"}"#, Ok("")),
    (r#"{"aud":"app","iss":"backend","account":"7"}"#, Err(3500)),
    (r#"{"aud":[],"iss":"backend","account":"7"}"#, Err(3500)),
    (r#"{"aud":"WEB","iss":"backend","account":"7"}"#, Err(3500)),
    (r#"{"iss":"backend","account":"7"}"#, Err(3500)),
    (r#"{"aud":"web","iss":"other","account":"7"}"#, Err(3500)),
    (r#"{"aud":"web","account":"7"}"#, Err(3500)),
];

/// Returns the configuration of these tests.
fn configuration(until: SystemTime) -> Result<TokenConfiguration, centrifugo_token::Error> {
    let configuration = TokenConfiguration::new()
        .key(&key())?
        .previous_secret("former", Some(until))?
        .audience("web")?
        .issuer("backend")?
        .user_id_claim("account")?;
    Ok(configuration)
}

async fn configured_rules_apply(backend: Backend) -> Outcome {
    let until = SystemTime::now() + Duration::from_secs(60);
    let configuration = configuration(until)?;
    let server = Server::start(backend, &configuration.to_environment()).await;
    for (claims, expected) in CLAIMS {
        for key in [key(), secret("former")] {
            let token = forged_with(&key, r#"{"alg":"HS256"}"#, claims);
            match (server.connect(&token).await, expected) {
                (Ok(mut client), Ok(user)) => {
                    assert_eq!(client.subscribe("plain:seen").await, Ok(()), "{claims}");
                    let member = server.member("plain:seen", client.id()).await;
                    let seen = member.map(|member| member.user);
                    assert_eq!(seen.as_deref(), Some(*user), "{claims}");
                }
                (outcome, expected) => assert_eq!(outcome.err(), expected.err(), "{claims}"),
            }
        }
    }
    let ours = ConnectionClaims::anonymous(minute())
        .audience("web")
        .issuer("backend")
        .claim("account", "7");
    let client = server.connect(&ours.sign(&key())?).await;
    assert_eq!(client.err(), None);
    Ok(())
}

async fn subscription_tokens_have_their_own_keys(backend: Backend) -> Outcome {
    let past = SystemTime::now() - Duration::from_secs(60);
    let own = Key::from_pem(include_str!("../../crates/token/tests/data/p256.pem"))?;
    let subscriptions = TokenConfiguration::new()
        .key(&own)?
        .key(&secret("present"))?
        .previous_secret("former", None)?
        .audience("channels")?;
    let configuration = TokenConfiguration::new()
        .key(&key())?
        .previous_secret("former", Some(past))?
        .subscription_tokens(subscriptions)?;
    let server = Server::start(backend, &configuration.to_environment()).await;
    let user = ConnectionClaims::new("42", minute());
    let client = server.connect(&user.sign(&secret("former"))?).await;
    assert_eq!(client.err(), Some(3500), "the secret has ended");
    let client = server.connect(&user.sign(&own)?).await;
    assert_eq!(client.err(), Some(3500), "the key is for subscriptions");

    let claims = SubscriptionClaims::user("42").channel("plain:a", minute());
    let right = claims.clone().audience("channels");
    for (token, expected) in [
        (right.sign(&key())?, Err(103)),
        (claims.sign(&own)?, Err(103)),
        (right.sign(&own)?, Ok(String::new())),
        (right.sign(&secret("present"))?, Ok(String::new())),
        (right.sign(&secret("former"))?, Ok(String::new())),
    ] {
        let mut client = server.connected(&user).await?;
        assert_eq!(client.subscribe_with("plain:a", &token).await, expected);
    }
    Ok(())
}

/// The tests above give the configuration to the servers as an environment.
#[test]
fn embedded_server_reads_the_configuration_in_json() -> Outcome {
    let configuration = configuration(SystemTime::now() + Duration::from_secs(60))?;
    let server = centrifugo_api_testing::Server::builder()
        .configuration(&configuration.to_json())
        .start()?;
    let claims = r#"{"aud":"web","iss":"backend","account":"7"}"#;
    for key in [key(), secret("former")] {
        let token = forged_with(&key, r#"{"alg":"HS256"}"#, claims);
        assert_eq!(server.connect_with_token(&token)?.user(), "7");
    }
    Ok(())
}

/// The embedded server has no regular expressions of Go.
#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn patterns_apply() -> Outcome {
    let options = [
        ("CENTRIFUGO_CLIENT_TOKEN_AUDIENCE_REGEX", "^(web|app)$"),
        ("CENTRIFUGO_CLIENT_TOKEN_ISSUER_REGEX", "backend-[0-9]"),
    ];
    let server = Server::start(Backend::Real, &options).await;
    let user = ConnectionClaims::new("42", minute());
    for (audience, issuer, code) in [
        ("web", "backend-1", None),
        ("app", "the backend-22", None),
        ("web2", "backend-1", Some(3500)),
        ("web", "backend", Some(3500)),
    ] {
        let claims = user
            .clone()
            .audience("other")
            .audience(audience)
            .issuer(issuer);
        let client = server.connect(&claims.sign(&key())?).await;
        assert_eq!(client.err(), code, "{audience}, {issuer}");
    }
    Ok(())
}
