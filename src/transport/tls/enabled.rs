//! TLS by rustls.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ClientConfig, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::provider::provider;
use super::unused::unused_config;
use super::verifiers::{AcceptAny, ForName};
use crate::error::Error;

/// The options of the builder.
#[derive(Default)]
// Not outside of tests: it has secrets.
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Options {
    /// Each is PEM with one or more certificates, or DER with one.
    pub(crate) roots: Vec<Vec<u8>>,
    /// PEM with certificates and a key.
    pub(crate) identity: Option<Vec<u8>>,
    pub(crate) accept_invalid_certs: bool,
    /// The name that the server's certificate must be for.
    pub(crate) server_name: Option<String>,
}

impl Options {
    /// Returns the name of the first option that is set.
    pub(crate) fn first_set(&self) -> Option<&'static str> {
        if !self.roots.is_empty() {
            Some("root_certificate")
        } else if self.identity.is_some() {
            Some("identity")
        } else if self.accept_invalid_certs {
            Some("danger_accept_invalid_certs")
        } else if self.server_name.is_some() {
            Some("server_name")
        } else {
            None
        }
    }
}

/// The TLS of a transport.
#[derive(Clone)]
pub(crate) struct Tls {
    #[cfg_attr(not(any(feature = "grpc", feature = "_http")), allow(dead_code))]
    pub(crate) config: ClientConfig,
    pub(crate) handshakes: Handshakes,
}

impl Tls {
    /// Creates the configuration. It is unusable if TLS is not needed: reading the system's certificates takes time,
    /// and there may be no provider.
    pub(crate) fn new(options: &Options, needed: bool) -> Result<Self, Error> {
        let mut config = if needed {
            client_config(options)?
        } else {
            unused_config()
        };
        let asked = Arc::<AtomicBool>::default();
        let resolver = Arc::clone(&config.client_auth_cert_resolver);
        config.client_auth_cert_resolver = Arc::new(RecordingResolver {
            resolver,
            asked: Arc::clone(&asked),
        });
        Ok(Self {
            config,
            handshakes: Handshakes {
                asked,
                has_identity: options.identity.is_some(),
            },
        })
    }
}

/// The facts about a transport's handshakes that explain failures.
#[derive(Clone)]
pub(crate) struct Handshakes {
    /// True if the server asked for a client certificate.
    asked: Arc<AtomicBool>,
    has_identity: bool,
}

impl Handshakes {
    /// Returns why a server may have closed a connection before it responded, or nothing. In TLS 1.3 a server refuses
    /// the client's certificate only after the handshake has ended for the client.
    pub(crate) fn hint(&self) -> &'static str {
        if !self.asked.load(Ordering::Relaxed) {
            ""
        } else if self.has_identity {
            "the server asks for a client certificate: does it trust the authority of the certificate given with identity?"
        } else {
            "the server asks for a client certificate: give one with identity"
        }
    }
}

/// A resolver that records that the server asks for a client certificate.
#[derive(Debug)]
struct RecordingResolver {
    resolver: Arc<dyn ResolvesClientCert>,
    asked: Arc<AtomicBool>,
}

impl ResolvesClientCert for RecordingResolver {
    fn resolve(
        &self,
        authorities: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.resolver.resolve(authorities, schemes)
    }

    fn has_certs(&self) -> bool {
        self.resolver.has_certs()
    }
}

/// Returns what to do about a connection that failed, or nothing if TLS is not the reason.
pub(crate) fn hint(error: &(dyn StdError + 'static)) -> &'static str {
    let Some(error) = find::<rustls::Error>(error) else {
        return "";
    };
    match error {
        rustls::Error::InvalidMessage(_) => {
            "the server does not speak TLS on this port: begin the URL with http:// or grpc://, or use its TLS port"
        }
        rustls::Error::InvalidCertificate(error) => certificate_hint(error),
        _ => "",
    }
}

/// Returns whether a connection failed and would fail again: the server's certificate is not valid, or the server does
/// not speak TLS.
pub(crate) fn is_lasting(error: &(dyn StdError + 'static)) -> bool {
    let error = find::<rustls::Error>(error);
    matches!(
        error,
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::InvalidMessage(_))
    )
}

/// Returns what to do about a certificate that is not valid.
fn certificate_hint(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another host: call it by that name, or set it with server_name"
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the server's certificate is from an unknown authority: add the authority with root_certificate"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: is this machine's clock right?"
        }
        CertificateError::Other(error) if error.to_string().contains("CaUsedAsEndEntity") => {
            "the server's certificate is that of an authority (CA:TRUE), as `openssl req -x509` makes them: sign \
             another one for the server, or make one with basicConstraints=CA:FALSE"
        }
        _ => "the server's certificate is not valid",
    }
}

/// Returns the first error of that type among an error and its causes.
///
/// The `source` of an I/O error skips the error that it wraps: `get_ref` returns that one.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let io_error = error.downcast_ref::<std::io::Error>();
    match io_error.and_then(std::io::Error::get_ref) {
        Some(inner) => find(inner),
        None => error.source().and_then(find),
    }
}

/// Returns the configuration of rustls.
fn client_config(options: &Options) -> Result<ClientConfig, Error> {
    let provider = provider()?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Config(format!("TLS: {error}")))?;
    let verifier: Arc<dyn ServerCertVerifier> = if options.accept_invalid_certs {
        Arc::new(AcceptAny(provider))
    } else {
        verifier(options, provider)?
    };
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some(pem) = &options.identity else {
        return Ok(builder.with_no_client_auth());
    };
    builder
        .with_client_auth_cert(certificates("identity", pem)?, private_key(pem)?)
        .map_err(|error| Error::Config(format!("identity: {error}")))
}

/// Returns the verifier of the server's certificate: the system's, with the certificate authorities of the options.
fn verifier(
    options: &Options,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let mut roots = Vec::new();
    for pem in &options.roots {
        roots.extend(certificates("root_certificate", pem)?);
    }
    let verifier = Verifier::new_with_extra_roots(roots, provider).map_err(|error| {
        Error::Config(if options.roots.is_empty() {
            format!(
                "TLS: the system's certificates cannot be used: {error}; add one with root_certificate"
            )
        } else {
            format!("root_certificate: {error}")
        })
    })?;
    let Some(name) = &options.server_name else {
        return Ok(Arc::new(verifier));
    };
    let name = ServerName::try_from(name.clone()).map_err(|_| {
        Error::Config(format!(
            "server_name: `{name}` is neither a host name nor an address"
        ))
    })?;
    Ok(Arc::new(ForName { verifier, name }))
}

/// Checks that a text or DER contains certificates.
pub(crate) fn check_certificates(content: &[u8]) -> Result<(), String> {
    let certificates = certificates("root_certificate", content);
    certificates.map(drop).map_err(|error| error.to_string())
}

/// Checks that a text contains certificates and a private key.
pub(crate) fn check_identity(pem: &[u8]) -> Result<(), String> {
    let read = private_key(pem).and_then(|_| certificates("identity", pem));
    read.map(drop).map_err(|error| error.to_string())
}

/// Reads the private key of `identity`.
fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| {
        Error::Config(format!(
            "identity: no private key can be read: {error}; give PEM with a certificate and a key"
        ))
    })
}

/// Reads the certificates of an option.
fn certificates(option: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    // DER begins with an ASN.1 sequence, unlike any text.
    if pem.starts_with(&[0x30, 0x82]) {
        return Ok(vec![CertificateDer::from(pem.to_vec())]);
    }
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| {
            Error::Config(format!(
                "{option}: no certificate can be read: {error}; give PEM"
            ))
        })?;
    if certificates.is_empty() {
        return Err(Error::Config(format!(
            "{option}: it contains no certificate; give PEM, with BEGIN CERTIFICATE"
        )));
    }
    Ok(certificates)
}
