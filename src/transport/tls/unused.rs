//! The configuration of rustls for URLs without TLS: reqwest wants one as soon as any crate of the program enables its
//! TLS, and panics if it has to make one and finds no provider.

use std::sync::Arc;

use rustls::crypto::cipher::{
    AeadKey, Iv, MessageDecrypter, MessageEncrypter, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::crypto::hash::{self, Hash, HashAlgorithm};
use rustls::crypto::tls13::{Hkdf, HkdfExpander, OkmBlock};
use rustls::crypto::{
    ActiveKeyExchange, CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom,
    SupportedKxGroup, WebPkiSupportedAlgorithms, hmac,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use rustls::{
    CipherSuite, CipherSuiteCommon, ClientConfig, ConnectionTrafficSecrets, Error, NamedGroup,
    RootCertStore, SupportedCipherSuite, Tls13CipherSuite,
};

/// Returns a configuration with which no handshake begins.
pub(crate) fn unused_config() -> ClientConfig {
    let provider = CryptoProvider {
        cipher_suites: vec![SupportedCipherSuite::Tls13(&SUITE)],
        kx_groups: vec![&Nothing],
        signature_verification_algorithms: WebPkiSupportedAlgorithms {
            all: &[],
            mapping: &[],
        },
        secure_random: &Nothing,
        key_provider: &Nothing,
    };
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap_or_else(|error| unreachable!("the provider has a suite and a group: {error}"))
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

/// The parts of a provider without cryptography. It has no random numbers, without which no handshake begins, so that
/// nothing else of it is used.
#[derive(Debug)]
struct Nothing;

const INVARIANT: &str = "a handshake begins with random numbers";

static SUITE: Tls13CipherSuite = Tls13CipherSuite {
    common: CipherSuiteCommon {
        suite: CipherSuite::TLS13_AES_128_GCM_SHA256,
        hash_provider: &Nothing,
        confidentiality_limit: 0,
    },
    hkdf_provider: &Nothing,
    aead_alg: &Nothing,
    quic: None,
};

impl SecureRandom for Nothing {
    fn fill(&self, _buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        Err(GetRandomFailed)
    }
}

impl SupportedKxGroup for Nothing {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Err(GetRandomFailed.into())
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

impl KeyProvider for Nothing {
    fn load_private_key(&self, _key: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(GetRandomFailed.into())
    }
}

impl Hash for Nothing {
    fn start(&self) -> Box<dyn hash::Context> {
        unreachable!("{INVARIANT}")
    }

    fn hash(&self, _data: &[u8]) -> hash::Output {
        unreachable!("{INVARIANT}")
    }

    fn output_len(&self) -> usize {
        32
    }

    fn algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }
}

impl Hkdf for Nothing {
    fn extract_from_zero_ikm(&self, _salt: Option<&[u8]>) -> Box<dyn HkdfExpander> {
        unreachable!("{INVARIANT}")
    }

    fn extract_from_secret(&self, _salt: Option<&[u8]>, _secret: &[u8]) -> Box<dyn HkdfExpander> {
        unreachable!("{INVARIANT}")
    }

    fn expander_for_okm(&self, _okm: &OkmBlock) -> Box<dyn HkdfExpander> {
        unreachable!("{INVARIANT}")
    }

    fn hmac_sign(&self, _key: &OkmBlock, _message: &[u8]) -> hmac::Tag {
        unreachable!("{INVARIANT}")
    }
}

impl Tls13AeadAlgorithm for Nothing {
    fn encrypter(&self, _key: AeadKey, _iv: Iv) -> Box<dyn MessageEncrypter> {
        unreachable!("{INVARIANT}")
    }

    fn decrypter(&self, _key: AeadKey, _iv: Iv) -> Box<dyn MessageDecrypter> {
        unreachable!("{INVARIANT}")
    }

    fn key_len(&self) -> usize {
        16
    }

    fn extract_keys(
        &self,
        _key: AeadKey,
        _iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    #[test]
    fn handshake_is_an_error() {
        let config = Arc::new(super::unused_config());
        let name = "localhost".try_into().unwrap();
        assert_eq!(
            rustls::ClientConnection::new(config, name).unwrap_err(),
            rustls::Error::FailedToGetRandomBytes
        );
    }
}
