//! TLS by rustls.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use rustls_platform_verifier::Verifier;

use crate::error::Error;

/// The options of the builder.
#[derive(Default)]
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
        match self {
            Self { roots, .. } if !roots.is_empty() => Some("root_certificate"),
            Self {
                identity: Some(_), ..
            } => Some("identity"),
            Self {
                accept_invalid_certs: true,
                ..
            } => Some("danger_accept_invalid_certs"),
            Self {
                server_name: Some(_),
                ..
            } => Some("server_name"),
            _ => None,
        }
    }
}

/// The TLS of a transport.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) config: ClientConfig,
    pub(crate) handshakes: Handshakes,
}

impl Tls {
    /// Creates the configuration. Without a need for TLS it is empty, and reads no certificates.
    pub(crate) fn new(options: &Options, needed: bool) -> Result<Self, Error> {
        let mut config = client_config(options, needed)?;
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

/// The observations in a transport's handshakes.
#[derive(Clone)]
pub(crate) struct Handshakes {
    /// Whether the server asked for a client certificate.
    asked: Arc<AtomicBool>,
    has_identity: bool,
}

impl Handshakes {
    /// Returns why a server may have closed a connection before it responded: in TLS 1.3 it checks the client's
    /// certificate after the client considers the handshake complete.
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

/// Records that the server asks for a client certificate.
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

/// Returns what to do about a connection that failed, if TLS is the reason.
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
/// An I/O error passes itself off as its cause, and hides it from `source`.
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

fn client_config(options: &Options, needed: bool) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Config(format!("TLS: {error}")))?;
    let builder = match (needed, options.accept_invalid_certs) {
        (false, _) => {
            return Ok(builder
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth());
        }
        (true, true) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AcceptAny(provider))),
        (true, false) => builder
            .dangerous()
            .with_custom_certificate_verifier(verifier(options, provider)?),
    };
    match &options.identity {
        None => Ok(builder.with_no_client_auth()),
        Some(pem) => {
            let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| {
                Error::Config(format!(
                    "identity: no private key can be read: {error}; give PEM with a certificate and a key"
                ))
            })?;
            builder
                .with_client_auth_cert(certificates("identity", pem)?, key)
                .map_err(|error| Error::Config(format!("identity: {error}")))
        }
    }
}

fn verifier(
    options: &Options,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let mut roots = Vec::new();
    for pem in &options.roots {
        roots.extend(certificates("root_certificate", pem)?);
    }
    let invalid = |error| match options.roots.is_empty() {
        true => {
            format!(
                "TLS: the system's certificates cannot be used: {error}; add one with root_certificate"
            )
        }
        false => format!("root_certificate: {error}"),
    };
    let verifier = Verifier::new_with_extra_roots(roots, provider)
        .map_err(|error| Error::Config(invalid(error)))?;
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
    match certificates.is_empty() {
        true => Err(Error::Config(format!(
            "{option}: it contains no certificate; give PEM, with BEGIN CERTIFICATE"
        ))),
        false => Ok(certificates),
    }
}

/// Verifies certificates against a name of the user's instead of the URL's host.
#[derive(Debug)]
struct ForName {
    verifier: Verifier,
    name: ServerName<'static>,
}

impl ServerCertVerifier for ForName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verifier
            .verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier
            .verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Accepts any certificate, but still checks that the server has its key.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
