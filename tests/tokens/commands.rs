//! The commands of a real server that check and generate tokens.

use std::process::Command;

use centrifugo_token::{
    ConnectionClaims, Expiry, Key, SubscriptionClaims, TokenConfiguration, Verifier,
};

use crate::Outcome;
use crate::harness::{key, minute, secret};
use crate::server::{Version, binary};

/// Runs a command with this configuration alone, in JSON and in YAML. Returns whether it succeeded, and what it printed last.
fn run(
    configuration: &TokenConfiguration,
    arguments: &[&str],
) -> Result<(bool, String), Box<dyn std::error::Error>> {
    let json = run_with("config.json", &configuration.to_json(), arguments)?;
    let yaml = run_with("config.yaml", &configuration.to_yaml(), arguments)?;
    assert_eq!(json.0, yaml.0, "{}, {}", json.1, yaml.1);
    Ok(yaml)
}

fn run_with(
    name: &str,
    configuration: &str,
    arguments: &[&str],
) -> Result<(bool, String), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join(name);
    std::fs::write(&file, configuration)?;
    let output = Command::new(binary(Version::V6)?)
        .args(arguments)
        .arg("--config")
        .arg(&file)
        .env_clear()
        .output()?;
    Ok((output.status.success(), String::from_utf8(output.stdout)?))
}

fn keys() -> Result<Vec<Key>, centrifugo_token::Error> {
    Ok(vec![
        key(),
        Key::from_pem(include_str!("../../crates/token/tests/data/rsa3072.pem"))?,
        Key::from_pem(include_str!("../../crates/token/tests/data/p384.pem"))?,
    ])
}

#[test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
fn tokens_pass_checktoken_and_checksubtoken() -> Outcome {
    let connection = ConnectionClaims::new("42", minute()).channel("news");
    let subscription = SubscriptionClaims::user("42").channel("news", Expiry::never());
    for key in keys()? {
        let configuration = TokenConfiguration::new().key(&key)?.audience("web")?;
        for (command, valid, wrong) in [
            (
                "checktoken",
                connection.clone().audience("web").sign(&key)?,
                connection.sign(&key)?,
            ),
            (
                "checksubtoken",
                subscription.clone().audience("web").sign(&key)?,
                subscription.sign(&key)?,
            ),
        ] {
            let (is_valid, text) = run(&configuration, &[command, &valid])?;
            assert!(is_valid && text.starts_with("valid"), "{command}: {text}");
            assert!(text.contains("42"), "{command}: {text}");
            let (is_valid, text) = run(&configuration, &[command, &wrong])?;
            assert!(
                !is_valid && text.contains("invalid audience"),
                "{command}: {text}"
            );
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
fn generated_tokens_verify() -> Outcome {
    let configuration = TokenConfiguration::new()
        .key(&secret("one"))?
        .user_id_claim("account")?;
    let verifier = Verifier::new(&secret("one")).user_id_claim("account");
    for (lifetime, expires) in [("60", true), ("-1", false)] {
        let arguments = ["gentoken", "-q", "-u", "42", "-t", lifetime];
        let (_, token) = run(&configuration, &arguments)?;
        let verified = verifier.connection(&token)?;
        assert_eq!(verified.user, "42");
        assert_eq!(verified.expires_at.is_some(), expires);
        let arguments = [
            "gensubtoken",
            "-q",
            "-u",
            "42",
            "-s",
            "news",
            "-t",
            lifetime,
        ];
        let (_, token) = run(&configuration, &arguments)?;
        let verified = verifier.subscription(&token)?;
        assert_eq!((&*verified.user, &*verified.channel), ("42", "news"));
        assert_eq!(verified.expires_at.is_some(), expires);
    }
    let (_, anonymous) = run(&configuration, &["gentoken", "-q"])?;
    assert_eq!(verifier.connection(&anonymous)?.user, "");
    Ok(())
}
