//! Signatures of shared polls.

use std::time::{Duration, UNIX_EPOCH};

use centrifugo_token::{Error, Expiry, RefusalCode, SharedPollSecret, TrackedKeys};

use crate::support::{IAT, at, hour};

fn secret() -> SharedPollSecret {
    SharedPollSecret::new("shared_poll_secret").unwrap()
}

fn keys() -> TrackedKeys {
    TrackedKeys::user("42").channel("poll:prices", ["AAPL", "GOOG"])
}

fn code(keys: &TrackedKeys, signature: &str, time: u64) -> Option<RefusalCode> {
    let outcome = keys.verify_at(&secret(), signature, at(time));
    outcome.err().map(|refusal| refusal.code())
}

#[test]
fn public_vectors_are_signed_byte_for_byte() {
    let signature = keys().sign_at(&secret(), hour(), at(IAT)).unwrap();
    assert_eq!(
        signature,
        "1700000000:1700003600:c61dbf52085a6973537e71644fa30a3bbfc29a52d7ce9f1b7618531596ce587d"
    );
    let none = TrackedKeys::anonymous().channel("poll:prices", Vec::<String>::new());
    assert_eq!(
        none.sign_at(&secret(), Expiry::never(), at(IAT)).unwrap(),
        "1700000000:0:92dd64af5612afde06cad03bb63435d951e037cb55a087af05c2a1399abade0e"
    );
}

#[test]
fn signatures_hold_until_five_seconds_after_their_end() {
    let signature = keys().sign_at(&secret(), hour(), at(IAT)).unwrap();
    assert_eq!(code(&keys(), &signature, IAT + 3605), None);
    assert_eq!(
        code(&keys(), &signature, IAT + 3606),
        Some(RefusalCode::TokenExpired)
    );
    let never = keys().sign_at(&secret(), Expiry::never(), at(IAT)).unwrap();
    assert_eq!(code(&keys(), &never, 100 * IAT), None);
}

#[test]
fn other_users_channels_keys_and_orders_are_refused() {
    let signature = keys().sign_at(&secret(), hour(), at(IAT)).unwrap();
    for other in [
        TrackedKeys::user("43").channel("poll:prices", ["AAPL", "GOOG"]),
        TrackedKeys::anonymous().channel("poll:prices", ["AAPL", "GOOG"]),
        TrackedKeys::user("42").channel("poll:price", ["AAPL", "GOOG"]),
        TrackedKeys::user("42").channel("poll:prices", ["GOOG", "AAPL"]),
        TrackedKeys::user("42").channel("poll:prices", ["AAPL"]),
        TrackedKeys::user("42").channel("poll:prices", ["AAPLGOOG"]),
    ] {
        assert_eq!(
            code(&other, &signature, IAT),
            Some(RefusalCode::PermissionDenied),
            "{other:?}"
        );
    }
}

#[test]
fn texts_of_the_same_message_are_refused() {
    let of = |user: &str, channel: &str, keys: &[&str]| {
        TrackedKeys::user(user).channel(channel, keys.iter().copied())
    };
    for (signed, other) in [
        (of("42", "a", &["b", "c"]), of("42", "a", &["b\0c"])),
        (of("42", "a", &[]), of("42", "a", &[""])),
    ] {
        let signature = signed.sign_at(&secret(), hour(), at(IAT)).unwrap();
        assert_eq!(code(&signed, &signature, IAT), None);
        assert_eq!(
            code(&other, &signature, IAT),
            Some(RefusalCode::PermissionDenied),
            "{other:?}"
        );
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let signature = keys().sign_at(&secret(), hour(), at(IAT)).unwrap();
    for bit in 0..8 * signature.len() {
        let mut bytes = signature.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(changed) = String::from_utf8(bytes) {
            assert_eq!(
                code(&keys(), &changed, IAT),
                Some(RefusalCode::PermissionDenied),
                "{changed}"
            );
        }
    }
    for text in [
        "",
        ":",
        "::",
        "1:2",
        "a:b:c",
        &signature.to_uppercase(),
        &format!("{signature}:"),
    ] {
        assert_eq!(
            code(&keys(), text, IAT),
            Some(RefusalCode::PermissionDenied),
            "{text}"
        );
    }
}

#[test]
fn previous_secret_verifies_until_its_end() {
    let signature = keys().sign_at(&secret(), hour(), at(IAT)).unwrap();
    let new = SharedPollSecret::new("new").unwrap();
    assert!(keys().verify_at(&new, &signature, at(IAT)).is_err());
    let until = new
        .clone()
        .previous("shared_poll_secret", Some(at(IAT + 60)))
        .unwrap();
    assert!(keys().verify_at(&until, &signature, at(IAT + 60)).is_ok());
    assert!(keys().verify_at(&until, &signature, at(IAT + 61)).is_err());
    let forever = new.previous("shared_poll_secret", None).unwrap();
    assert!(
        keys()
            .verify_at(&forever, &signature, at(IAT + 3600))
            .is_ok()
    );
    let signature = keys().sign_at(&forever, hour(), at(IAT)).unwrap();
    assert!(keys().verify_at(&secret(), &signature, at(IAT)).is_err());
}

#[test]
fn mistakes_are_refused_before_anything_is_signed() {
    assert!(SharedPollSecret::new("").is_err());
    assert!(secret().previous("", None).is_err());
    let claim = |keys: TrackedKeys, expiry| match keys.sign_at(&secret(), expiry, at(IAT)) {
        Err(Error::Claim { claim, .. }) => claim,
        other => panic!("{other:?}"),
    };
    assert_eq!(claim(keys(), Expiry::at(at(IAT))), "exp");
    assert_eq!(
        claim(keys(), Expiry::at(UNIX_EPOCH - Duration::from_secs(1))),
        "exp"
    );
    assert_eq!(
        claim(TrackedKeys::user("42").channel("", ["a"]), hour()),
        "channel"
    );
    assert_eq!(
        claim(TrackedKeys::user("4\0").channel("a", ["a"]), hour()),
        "user"
    );
    assert_eq!(
        claim(TrackedKeys::user("42").channel("a", ["a", "\0"]), hour()),
        "keys"
    );
    assert_eq!(
        claim(TrackedKeys::user("42").channel("a", ["a", ""]), hour()),
        "keys"
    );
    assert_eq!(format!("{:?}", secret()), "SharedPollSecret");
}
