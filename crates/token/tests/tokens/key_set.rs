//! Key sets: which key signs when, and what is published.

use std::time::Duration;

use centrifugo_token::{ConnectionClaims, Error, Expiry, Key, KeySet, ScheduledKey};
use serde_json::Value;

use crate::support::{IAT, at, data, every_key};

const LIFETIME: u64 = 600;

fn key(name: &str) -> Key {
    Key::from_pem(data(name)).unwrap()
}

fn set() -> KeySet {
    KeySet::new(Duration::from_secs(LIFETIME))
}

/// Returns a set whose keys become active at 0, `IAT` and `IAT` + 1 day.
fn rotating() -> KeySet {
    let day = at(IAT + 86_400);
    let third = ScheduledKey::new(key("p384.pem").with_kid("third")).active_from(day);
    let second = ScheduledKey::new(key("p256.pem").with_kid("second")).active_from(at(IAT));
    let set = set().publish(third).unwrap();
    let set = set.publish(key("ed25519.pem").with_kid("first")).unwrap();
    set.publish(second).unwrap()
}

fn active(set: &KeySet, time: u64) -> String {
    set.active_at(at(time)).unwrap().kid().unwrap().to_owned()
}

fn published(set: &KeySet, time: u64) -> Vec<String> {
    let jwks: Value = serde_json::from_str(&set.jwks_at(at(time))).unwrap();
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

fn problem(error: Error) -> String {
    match error {
        Error::Key(problem) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn several_keys_are_published_as_each_alone() {
    let second = || ScheduledKey::new(key("p256.pem").with_kid("second")).active_from(at(IAT));
    let first = || ScheduledKey::new(key("ed25519.pem").with_kid("first"));
    let together = set().publish_all([second(), first()]).unwrap();
    assert_eq!(active(&together, IAT - 1), "first");
    assert_eq!(active(&together, IAT), "second");
    let error = set().publish_all([first(), second(), first()]).unwrap_err();
    assert!(problem(error).contains("first"));
}

#[test]
fn keys_sign_from_their_times_on() {
    let set = rotating();
    assert_eq!(active(&set, IAT - 1), "first");
    assert_eq!(active(&set, IAT), "second");
    assert_eq!(active(&set, IAT + 86_399), "second");
    assert_eq!(active(&set, IAT + 86_400), "third");
}

#[test]
fn keys_are_published_from_the_start_until_last_token_has_ended() {
    let set = rotating();
    assert_eq!(
        published(&set, IAT - 1_000_000),
        ["first", "second", "third"]
    );
    let last = IAT + LIFETIME + 300;
    assert_eq!(published(&set, last), ["first", "second", "third"]);
    assert_eq!(published(&set, last + 1), ["second", "third"]);
    assert_eq!(published(&set, 2 * IAT), ["third"]);
}

#[test]
fn retire_after_takes_the_place_of_the_default() {
    let set = early();
    assert_eq!(active(&set, IAT), "early");
    assert!(
        problem(set.active_at(at(IAT + 1)).unwrap_err()).contains("no key of the set is active")
    );
    assert_eq!(published(&set, IAT + 1), Vec::<String>::new());
    assert_eq!(set.jwks_at(at(IAT + 1)), r#"{"keys":[]}"#);
}

/// Returns a set whose key retires at `IAT`.
fn early() -> KeySet {
    let early = ScheduledKey::new(key("ed25519.pem").with_kid("early"));
    set().publish(early.retire_after(at(IAT))).unwrap()
}

#[test]
fn older_key_signs_again_while_it_is_published_when_newest_is_retired() {
    let newest = ScheduledKey::new(key("p256.pem").with_kid("newest"))
        .active_from(at(IAT))
        .retire_after(at(IAT + 10));
    let older = key("ed25519.pem").with_kid("older");
    let set = set().publish(older).unwrap().publish(newest).unwrap();
    assert_eq!(active(&set, IAT + 10), "newest");
    assert_eq!(active(&set, IAT + 11), "older");
    // Its tokens end before it leaves the set, as those of every key.
    let last = IAT + LIFETIME + 300;
    assert_eq!(latest_end(&set, IAT + 11), IAT + 11 + LIFETIME);
    assert_eq!(latest_end(&set, last - 1), last);
    assert!(set.active_at(at(last + 1)).is_err());
}

/// Returns the latest `exp` that the active key signs.
fn latest_end(set: &KeySet, time: u64) -> u64 {
    let key = set.active_at(at(time)).unwrap();
    let signs = |exp: &u64| {
        let claims = ConnectionClaims::new("42", Expiry::at(at(*exp)));
        claims.sign_at(&key, at(time)).is_ok()
    };
    (time + 1..).take_while(signs).last().unwrap_or(time)
}

#[test]
fn no_token_outlives_retire_after() {
    let set = early();
    assert_eq!(latest_end(&set, IAT - LIFETIME - 1), IAT - 1);
    assert_eq!(latest_end(&set, IAT - LIFETIME), IAT);
    assert_eq!(latest_end(&set, IAT - 5), IAT);
    assert_eq!(latest_end(&set, IAT), IAT);
    let now = at(IAT - 5) + Duration::from_millis(900);
    let key = set.active_at(now).unwrap();
    let claims = |lifetime| ConnectionClaims::new("42", Expiry::after(lifetime));
    assert!(claims(Duration::from_secs(5)).sign_at(&key, now).is_ok());
    let error = claims(Duration::from_secs(6))
        .sign_at(&key, now)
        .unwrap_err();
    let Error::Claim { claim, problem } = error else {
        panic!("{error:?}");
    };
    assert_eq!(claim, "exp");
    assert!(
        problem.contains(&format!("end by {IAT} now, in 5 s")),
        "{problem}"
    );
}

#[test]
fn keys_that_never_sign_are_refused() {
    let of = |retire_after| {
        ScheduledKey::new(key("p256.pem"))
            .active_from(at(IAT))
            .retire_after(at(retire_after))
    };
    for time in [IAT - 1, IAT] {
        assert!(problem(set().publish(of(time)).unwrap_err()).contains("would never sign"));
    }
    assert!(set().publish(of(IAT + 1)).is_ok());
}

#[test]
fn lifetimes_are_whole_seconds() {
    let set =
        |milliseconds| KeySet::new(Duration::from_millis(milliseconds)).publish(key("p256.pem"));
    assert!(problem(set(999).unwrap_err()).contains("1 s or more"));
    assert_eq!(latest_end(&set(1999).unwrap(), IAT), IAT + 1);
}

#[tokio::test]
async fn signers_have_the_limit_of_their_set() {
    let key = rotating().active().unwrap();
    let never = ConnectionClaims::new("42", Expiry::never());
    let error = never.sign_with(&key).await.unwrap_err();
    assert!(
        matches!(&error, Error::Claim { claim, .. } if claim == "exp"),
        "{error}"
    );
}

#[test]
fn tokens_that_outlive_their_key_are_refused() {
    let key = rotating().active_at(at(IAT)).unwrap();
    let of = |expiry| ConnectionClaims::new("42", expiry);
    let longest = of(Expiry::after(Duration::from_secs(LIFETIME)));
    let token = longest.sign_at(&key, at(IAT)).unwrap();
    let header = crate::support::from_base64url(token.split('.').next().unwrap());
    assert_eq!(header, br#"{"alg":"ES256","typ":"JWT","kid":"second"}"#);
    for expiry in [
        Expiry::after(Duration::from_secs(LIFETIME + 1)),
        Expiry::never(),
    ] {
        let error = of(expiry).sign_at(&key, at(IAT)).unwrap_err();
        assert!(
            matches!(&error, Error::Claim { claim, .. } if claim == "exp"),
            "{error}"
        );
    }
}

#[test]
fn jwks_has_no_private_part() {
    for key in every_key() {
        let Some(public) = key.public() else {
            assert!(problem(set().publish(key).unwrap_err()).contains("HMAC secret"));
            continue;
        };
        let set = set().publish(key).unwrap();
        let jwks: Value = serde_json::from_str(&set.jwks()).unwrap();
        let jwk = jwks["keys"][0].as_object().unwrap();
        let mut expected = match jwk["kty"].as_str().unwrap() {
            "RSA" => vec!["kty", "kid", "use", "alg", "n", "e"],
            "EC" => vec!["kty", "kid", "use", "alg", "crv", "x", "y"],
            _ => vec!["kty", "kid", "use", "alg", "crv", "x"],
        };
        expected.sort_unstable();
        assert_eq!(jwk.keys().collect::<Vec<_>>(), expected);
        assert_eq!(jwk["use"], "sig");
        assert_eq!(jwk["kid"], public.thumbprint());
        assert_eq!(jwk["alg"], public.algorithm().unwrap().name());
    }
}

#[test]
fn ambiguous_keys_are_refused() {
    let first = set().publish(key("ed25519.pem")).unwrap();
    let again = ScheduledKey::new(key("ed25519.pem")).active_from(at(1));
    assert!(problem(first.clone().publish(again).unwrap_err()).contains("never use one again"));
    // A token by the one would be valid after it has retired.
    let renamed = ScheduledKey::new(key("ed25519.pem").with_kid("new")).active_from(at(1));
    assert!(problem(first.clone().publish(renamed).unwrap_err()).contains("this key already"));
    let renamed = key("ed25519.pem").with_kid("new").public().unwrap();
    assert!(problem(first.clone().publish_only(renamed).unwrap_err()).contains("this key already"));
    let same_time = problem(first.clone().publish(key("p256.pem")).unwrap_err());
    assert!(
        same_time.contains("become active at the same time"),
        "{same_time}"
    );
    let unnamed = key("p256.pem").public().unwrap();
    assert!(problem(first.clone().publish_only(unnamed).unwrap_err()).contains("`kid`"));
    let other = key("p256.pem").with_kid("other").public().unwrap();
    let set = first.publish_only(other.clone()).unwrap();
    assert_eq!(published(&set, IAT).len(), 2);
    assert!(problem(set.publish_only(other).unwrap_err()).contains("never use one again"));
}
