//! Certificates, made for the test.

#![allow(dead_code)] // each test binary uses a part of it

use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

static MADE: AtomicUsize = AtomicUsize::new(1);

type Problem = Box<dyn std::error::Error>;

/// Who signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its private key, in PEM.
pub(crate) struct Certified {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Result<Self, Problem> {
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()])?;
        // Two of one name would be taken for one, whose signatures are wrong.
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

    /// The authority's own, as that of a server.
    pub(crate) fn itself(&self) -> Certified {
        Certified {
            certificate: self.pem(),
            key: self.0.key().serialize_pem(),
        }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    /// A certificate for a host, or for a client, valid now.
    pub(crate) fn certify(&self, name: &str) -> Result<Certified, Problem> {
        self.sign(name, |_| ())
    }

    /// A certificate that was valid once.
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
    /// As `ClientBuilder::identity` takes it.
    pub(crate) fn identity(&self) -> String {
        format!("{}{}", self.certificate, self.key)
    }
}
