//! A certificate authority, and certificates made for the test.

#![allow(dead_code)] // each test binary uses a part of it

use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

static MADE: AtomicUsize = AtomicUsize::new(1);

type Problem = Box<dyn std::error::Error>;

/// An authority that signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its private key, in PEM.
pub(crate) struct Certified {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Result<Self, Problem> {
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()])?;
        // Clients take two authorities of the same name for one, and then find wrong signatures.
        params.distinguished_name.push(
            DnType::CommonName,
            format!("Authority {}", MADE.fetch_add(1, Ordering::Relaxed)),
        );
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Ok(Self(CertifiedIssuer::self_signed(
            params,
            KeyPair::generate()?,
        )?))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Returns the authority's own certificate and key, for a server that uses them as its own.
    pub(crate) fn itself(&self) -> Certified {
        Certified {
            certificate: self.pem(),
            key: self.0.key().serialize_pem(),
        }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    /// Creates a certificate for a host or for a client that is valid now.
    pub(crate) fn certify(&self, name: &str) -> Result<Certified, Problem> {
        self.sign(name, |_| ())
    }

    /// Creates a certificate that has expired.
    pub(crate) fn certify_expired(&self, name: &str) -> Result<Certified, Problem> {
        self.sign(name, |params| {
            (params.not_before, params.not_after) =
                (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        })
    }

    fn sign(
        &self,
        name: &str,
        change: impl Fn(&mut CertificateParams),
    ) -> Result<Certified, Problem> {
        let mut params = CertificateParams::new([name.to_owned()])?;
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        change(&mut params);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;
        Ok(Certified {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

impl Certified {
    /// Returns the options, as environment variables, of a Centrifugo that speaks only TLS.
    pub(crate) fn options(&self) -> [(&str, &str); 6] {
        [
            ("CENTRIFUGO_HTTP_SERVER_TLS_ENABLED", "true"),
            ("CENTRIFUGO_HTTP_SERVER_TLS_CERT_PEM", &self.certificate),
            ("CENTRIFUGO_HTTP_SERVER_TLS_KEY_PEM", &self.key),
            ("CENTRIFUGO_GRPC_API_TLS_ENABLED", "true"),
            ("CENTRIFUGO_GRPC_API_TLS_CERT_PEM", &self.certificate),
            ("CENTRIFUGO_GRPC_API_TLS_KEY_PEM", &self.key),
        ]
    }

    /// Returns certificate and key in the form that `ClientBuilder::identity` takes.
    pub(crate) fn identity(&self) -> String {
        format!("{}{}", self.certificate, self.key)
    }
}
