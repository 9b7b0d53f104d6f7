//! Each algorithm, with a key in the configuration and with a JWKS.

use centrifugo_token::{Algorithm, ConnectionClaims, Key, KeySet, TokenConfiguration};

use crate::Outcome;
use crate::harness::{Backend, Client, Endpoint, Server, minute};

on_both!(
    key_of_the_configuration_verifies,
    jwks_verifies,
    rotated_key_is_fetched
);

/// The secret of the HMAC keys.
const SECRET: &str = "a secret that is long enough for each of the hashes: 64 bytes.....";

/// A private key in PEM, and its algorithms.
struct Pair {
    pem: &'static str,
    algorithms: &'static [Algorithm],
}

macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("../../crates/token/tests/data/", $name))
    };
}

const RSA: Pair = Pair {
    pem: pem!("rsa2048.pem"),
    algorithms: &[Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512],
};

/// ES512 needs AWS-LC.
const ECDSA: &[Pair] = &[
    Pair {
        pem: pem!("p256.pem"),
        algorithms: &[Algorithm::Es256],
    },
    Pair {
        pem: pem!("p384.pem"),
        algorithms: &[Algorithm::Es384],
    },
    #[cfg(feature = "tls-aws-lc")]
    Pair {
        pem: pem!("p521.pem"),
        algorithms: &[Algorithm::Es512],
    },
];

const ED25519: Pair = Pair {
    pem: pem!("ed25519.pem"),
    algorithms: &[Algorithm::EdDsa],
};

impl Pair {
    /// Returns the key for each of its algorithms, with the algorithm's name as its ID.
    fn keys(&self) -> Vec<Key> {
        let key = |algorithm: &Algorithm| {
            let key = Key::from_pem(self.pem).expect("the key is valid");
            let key = key.with_algorithm(*algorithm).expect("it is the key's");
            key.with_kid(algorithm.name())
        };
        self.algorithms.iter().map(key).collect()
    }
}

fn hmac() -> [Key; 3] {
    [
        Key::hs256(SECRET).expect("the secret is valid"),
        Key::hs384(SECRET).expect("the secret is valid"),
        Key::hs512(SECRET).expect("the secret is valid"),
    ]
}

async fn connect(server: &Server, key: &Key) -> Result<Client, u32> {
    let claims = ConnectionClaims::new("42", minute());
    let token = claims.sign(key).expect("the claims are valid");
    server.connect(&token).await
}

/// A server takes one key of each kind. The configuration is that which `TokenConfiguration` prints.
async fn key_of_the_configuration_verifies(backend: Backend) -> Outcome {
    for ecdsa in ECDSA {
        let mut keys = hmac().to_vec();
        keys.extend(RSA.keys());
        keys.extend(ecdsa.keys());
        let configuration = TokenConfiguration::new()
            .key(&keys[0])?
            .key(&RSA.keys()[0])?
            .key(&ecdsa.keys()[0])?
            .key(&ED25519.keys()[0])?;
        let server = Server::start(backend, &configuration.to_environment()).await;
        for key in &keys {
            let client = connect(&server, key).await;
            assert_eq!(client.err(), None, "{}", key.algorithm());
        }
        // Centrifugo has the option since 6.10.2. The embedded server has it always.
        let expected = match backend {
            Backend::Real => Some(3500),
            Backend::Embedded => None,
        };
        let client = connect(&server, &ED25519.keys()[0]).await;
        assert_eq!(client.err(), expected, "EdDSA");
        for other in ECDSA.iter().filter(|other| other.pem != ecdsa.pem) {
            let client = connect(&server, &other.keys()[0]).await;
            assert_eq!(client.err(), Some(3500), "{:?}", other.algorithms);
        }
    }
    Ok(())
}

async fn jwks_verifies(backend: Backend) -> Outcome {
    let mut keys = [RSA.keys(), ED25519.keys()].concat();
    for pair in ECDSA {
        keys.extend(pair.keys());
    }
    let jwks = published(&keys);
    let endpoint = Endpoint::start(jwks.clone()).await?;
    let server = Server::with_jwks(backend, &endpoint.url("/jwks"), &jwks).await;
    for key in &keys {
        let client = connect(&server, key).await;
        assert_eq!(client.err(), None, "{}", key.algorithm());
    }
    for key in RSA.keys() {
        let client = connect(&server, &key.with_kid("any")).await;
        assert_eq!(client.err(), None, "without alg");
    }
    let rs256 = RSA.keys()[0].clone();
    for (key, name) in [
        (rs256.clone().with_kid("unknown"), "unknown ID"),
        (rs256.clone().with_kid("enc"), "key for encryption"),
        (rs256.clone().with_kid("RS384"), "key for another algorithm"),
        (rs256.with_kid("ES256"), "key of another kind"),
        (Key::from_pem(RSA.pem)?, "no ID"),
        (crate::harness::key(), "secret of the configuration"),
    ] {
        assert_eq!(connect(&server, &key).await.err(), Some(3500), "{name}");
    }
    Ok(())
}

/// Returns a JWKS with these keys, the RSA key `any` without an algorithm, and `enc`, which is not for signatures.
fn published(keys: &[Key]) -> String {
    let jwk = |key: &Key| key.public().expect("the key has a public half").to_jwk();
    let mut jwks: Vec<String> = keys.iter().map(jwk).collect();
    let rs256 = RSA.keys()[0].clone();
    let any = jwk(&rs256.clone().with_kid("any"));
    jwks.push(any.replace(r#""alg":"RS256","#, ""));
    let other = jwk(&rs256.with_kid("enc"));
    jwks.push(other.replace(r#""sig""#, r#""enc""#));
    format!(r#"{{"keys":[{}]}}"#, jwks.join(","))
}

/// A real server fetches the set again when it does not know a key.
async fn rotated_key_is_fetched(backend: Backend) -> Outcome {
    let old = RSA.keys()[0].clone();
    let new = ED25519.keys()[0].clone();
    let set = KeySet::new(std::time::Duration::from_secs(60)).publish(old.clone())?;
    let endpoint = Endpoint::start(set.jwks()).await?;
    let server = Server::with_jwks(backend, &endpoint.url("/jwks"), &set.jwks()).await;
    assert_eq!(connect(&server, &set.active()?).await.err(), None);
    assert_eq!(connect(&server, &new).await.err(), Some(3500));

    let public = new.public().ok_or("the key has a public half")?;
    let set = set.publish_only(public)?;
    if backend == Backend::Embedded {
        // It has no endpoint.
        return Ok(());
    }
    endpoint.set_jwks(set.jwks());
    assert_eq!(connect(&server, &new).await.err(), None);
    endpoint.set_jwks(r#"{"keys":[]}"#.to_owned());
    assert_eq!(
        connect(&server, &old).await.err(),
        None,
        "the key is remembered"
    );
    Ok(())
}
