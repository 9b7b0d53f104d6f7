//! TLS, configured once for both transports.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::Error;

/// What the builder was told.
#[derive(Default)]
pub(crate) struct Options {
    /// PEM, each of one or more certificates, or DER, of one.
    pub(crate) roots: Vec<Vec<u8>>,
    /// PEM, certificates and a key.
    pub(crate) identity: Option<Vec<u8>>,
    pub(crate) accept_invalid_certs: bool,
    /// The name that the server's certificate is to be for.
    pub(crate) server_name: Option<String>,
}

impl Options {
    /// The name of the first option that is set.
    pub(crate) fn first_set(&self) -> Option<&'static str> {
        match self {
            Self { roots, .. } if !roots.is_empty() => Some("root_certificate"),
            Self { identity: Some(_), .. } => Some("identity"),
            Self { accept_invalid_certs: true, .. } => Some("danger_accept_invalid_certs"),
            Self { server_name: Some(_), .. } => Some("server_name"),
            _ => None,
        }
    }
}

/// Makes the configuration; for a client without TLS an empty one, which reads no certificates.
pub(crate) fn client_config(options: &Options, needed: bool) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Config(format!("TLS: {error}")))?;
    let builder = match (needed, options.accept_invalid_certs) {
        (false, _) => {
            return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
        }
        (true, true) => builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny(provider))),
        (true, false) => builder.dangerous().with_custom_certificate_verifier(verifier(options, provider)?),
    };
    match &options.identity {
        None => Ok(builder.with_no_client_auth()),
        Some(pem) => {
            let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| {
                Error::Config(format!(
                    "identity: no private key can be read: {error}; give PEM with certificate and key"
                ))
            })?;
            builder
                .with_client_auth_cert(certificates("identity", pem)?, key)
                .map_err(|error| Error::Config(format!("identity: {error}")))
        }
    }
}

fn verifier(options: &Options, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let mut roots = Vec::new();
    for pem in &options.roots {
        roots.extend(certificates("root_certificate", pem)?);
    }
    let invalid = |error| match options.roots.is_empty() {
        true => {
            format!("TLS: the system's certificates cannot be used: {error}; add one with root_certificate")
        }
        false => format!("root_certificate: {error}"),
    };
    let verifier =
        Verifier::new_with_extra_roots(roots, provider).map_err(|error| Error::Config(invalid(error)))?;
    let Some(name) = &options.server_name else { return Ok(Arc::new(verifier)) };
    let name = ServerName::try_from(name.clone()).map_err(|_| {
        Error::Config(format!("server_name: `{name}` is neither a name of a host nor an address"))
    })?;
    Ok(Arc::new(Named { verifier, name }))
}

fn certificates(option: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    // DER begins with an ASN.1 sequence, which no text does.
    if pem.starts_with(&[0x30, 0x82]) {
        return Ok(vec![CertificateDer::from(pem.to_vec())]);
    }
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| Error::Config(format!("{option}: no certificate can be read: {error}; give PEM")))?;
    match certificates.is_empty() {
        true => {
            Err(Error::Config(format!("{option}: it holds no certificate; give PEM, with BEGIN CERTIFICATE")))
        }
        false => Ok(certificates),
    }
}

/// Takes certificates for a name of the user's, not of the URL's.
#[derive(Debug)]
struct Named {
    verifier: Verifier,
    name: ServerName<'static>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verifier.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Takes any certificate, but still checks that the server has its key.
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
