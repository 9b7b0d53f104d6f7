//! Claims that are refused before anything is signed.

use std::time::{Duration, UNIX_EPOCH};

use centrifugo_token::{
    Capability, ConnectionClaims, Error, Expiry, Permission, SubscriptionClaims,
    SubscriptionOptions,
};

use crate::support::{IAT, at, claims_of, connection, hour, key, subscription};

/// Returns the claim and the problem that the error names.
fn refusal(signed: Result<String, Error>) -> (String, String) {
    match signed.unwrap_err() {
        Error::Claim { claim, problem } => (claim, problem),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_refused(claims: &ConnectionClaims, claim: &str, problem: &str) {
    let (named, text) = refusal(claims.sign_at(&key(), at(IAT)));
    assert_eq!(named, claim, "{text}");
    assert!(text.contains(problem), "{text}");
}

#[track_caller]
fn assert_subscription_refused(claims: &SubscriptionClaims, claim: &str, problem: &str) {
    let (named, text) = refusal(claims.sign_at(&key(), at(IAT)));
    assert_eq!(named, claim, "{text}");
    assert!(text.contains(problem), "{text}");
}

#[test]
fn wrong_times_are_refused() {
    let of = |expiry| ConnectionClaims::new("42", expiry);
    let before_1970 = UNIX_EPOCH - Duration::from_secs(1);
    assert_refused(&of(Expiry::at(before_1970)), "exp", "before 1970");
    assert_refused(
        &of(Expiry::at(at(IAT - 30))),
        "exp",
        "expired already, 30 s before now",
    );
    assert_refused(&of(Expiry::at(at(IAT))), "exp", "expired already");
    assert_refused(
        &of(Expiry::after(Duration::from_millis(999))),
        "exp",
        "below 1 s",
    );
    assert_refused(
        &connection().expire_at(Expiry::after(Duration::from_millis(999))),
        "expire_at",
        "below 1 s",
    );
    assert_refused(&of(Expiry::after(Duration::MAX)), "exp", "Expiry::never()");
    assert_refused(&of(Expiry::at(at(IAT * 1000))), "exp", "milliseconds");
    assert_refused(&connection().not_before(before_1970), "nbf", "before 1970");
    assert_refused(
        &connection().not_before(at(IAT + 3600)),
        "nbf",
        "before it expires",
    );
    assert_refused(&connection().issued_at(before_1970), "iat", "before 1970");
    assert_refused(
        &connection().issued_at(at(IAT + 5)),
        "iat",
        "5 s in the future",
    );
    assert_refused(
        &connection().expire_at(Expiry::at(at(7))),
        "expire_at",
        "expired already",
    );
    let (claim, _) = refusal(of(Expiry::never()).sign_at(&key(), before_1970));
    assert_eq!(claim, "iat");
}

#[test]
fn times_after_the_year_9999_name_only_what_helps() {
    let late = at(IAT * 1000);
    let claims = [
        (connection().not_before(late), "nbf"),
        (connection().issued_at(late), "iat"),
    ];
    for (claims, claim) in claims {
        let (named, text) = refusal(claims.sign_at(&key(), at(IAT)));
        assert_eq!(named, claim);
        assert!(text.contains("milliseconds"), "{text}");
        assert!(!text.contains("never"), "{text}");
    }
}

#[test]
fn fraction_of_clock_does_not_count() {
    let late_in_second = at(IAT) + Duration::from_millis(900);
    let of = |milliseconds| {
        ConnectionClaims::new("42", Expiry::after(Duration::from_millis(milliseconds)))
    };
    let (claim, text) = refusal(of(500).sign_at(&key(), late_in_second));
    assert_eq!(claim, "exp");
    assert!(text.contains("below 1 s"), "{text}");
    let token = of(1500).sign_at(&key(), late_in_second).unwrap();
    assert_eq!(claims_of(&token)["exp"], IAT + 1);
}

#[test]
fn empty_texts_are_refused() {
    assert_refused(&ConnectionClaims::new("", hour()), "sub", "use anonymous");
    assert_refused(&connection().id(""), "jti", "empty");
    assert_refused(&connection().audience("a").audience(""), "aud", "empty");
    assert_refused(&connection().issuer(""), "iss", "empty");
    assert_refused(&connection().channel(""), "channels", "empty");
    assert_refused(
        &connection().subscription("", SubscriptionOptions::new()),
        "subs",
        "empty",
    );
    assert_refused(&connection().info(""), "info", "empty");
    assert_refused(&connection().claim("", 1), "", "needs a name");
    let nowhere = SubscriptionClaims::user("42").channel("", hour());
    assert_subscription_refused(&nowhere, "channel", "empty");
    assert_subscription_refused(&subscription().client(""), "client", "empty");
    let no_channels = Capability::new(Vec::<String>::new(), [Permission::Publish]);
    assert_refused(
        &connection().capability(no_channels),
        "caps",
        "needs channels",
    );
    let nothing = Capability::new(["news"], []);
    assert_refused(
        &connection().capability(nothing),
        "caps",
        "needs a permission",
    );
}

#[test]
fn claims_that_exclude_each_other_are_refused() {
    let both = connection()
        .channel("a")
        .subscription("b", SubscriptionOptions::new());
    assert_refused(&both, "channels", "ignores `channels`");
    let twice = connection()
        .subscription("a", SubscriptionOptions::new())
        .subscription("a", SubscriptionOptions::new());
    assert_refused(&twice, "subs", "channel \"a\": it is set twice");
    assert_refused(
        &connection().label("a", "1").label("a", "2"),
        "labels",
        "\"a\" is set twice",
    );
    let subscribe = subscription().allow([Permission::Subscribe]);
    assert_subscription_refused(&subscribe, "allow", "omit Permission::Subscribe");
}

#[test]
fn values_that_do_not_fit_are_refused() {
    assert_refused(&connection().meta(&"text"), "meta", "not an object");
    assert_refused(
        &connection().info("hello"),
        "info",
        "not JSON (line 1, column 1)",
    );
    let options = SubscriptionOptions::new().data("{");
    assert_refused(
        &connection().subscription("a", options),
        "subs",
        "channel \"a\", `data`: it is not JSON",
    );
    let map = std::collections::HashMap::from([((1, 2), 3)]);
    assert_refused(
        &connection().claim("map", &map),
        "map",
        "cannot be written as JSON",
    );
    assert_refused(
        &connection().meta(&map),
        "meta",
        "cannot be written as JSON",
    );
    assert_subscription_refused(&subscription().data("x"), "data", "not JSON");
}

#[test]
fn own_claims_cannot_take_the_place_of_others() {
    for name in [
        "sub",
        "exp",
        "nbf",
        "iat",
        "jti",
        "aud",
        "iss",
        "expire_at",
        "info",
        "b64info",
    ] {
        assert_refused(&connection().claim(name, 1), name, "");
        assert_subscription_refused(&subscription().claim(name, 1), name, "");
    }
    for name in ["channels", "subs", "meta", "caps", "labels", "channel"] {
        assert_refused(&connection().claim(name, 1), name, "");
    }
    for name in ["channel", "client", "data", "b64data", "override", "allow"] {
        assert_subscription_refused(&subscription().claim(name, 1), name, "");
    }
    // Go's JSON ignores the case, also that of two letters outside ASCII.
    for name in ["Sub", "ſub", "EXP"] {
        assert_refused(&connection().claim(name, 1), name, "constructor");
    }
    assert_refused(&connection().claim("a", 1).claim("A", 2), "A", "twice");
}

#[test]
fn long_tokens_are_refused() {
    let long = connection().claim("text", "x".repeat(6000));
    match long.sign(&key()) {
        Err(Error::TooLong {
            length,
            limit: 8000,
        }) => assert!(length > 8000, "{length}"),
        other => panic!("{other:?}"),
    }
    let token = long.clone().max_length(9000).sign(&key()).unwrap();
    assert_eq!(
        long.clone()
            .max_length(token.len())
            .sign(&key())
            .unwrap()
            .len(),
        token.len()
    );
    assert!(long.max_length(token.len() - 1).sign(&key()).is_err());
}
