//! Who may call the handlers.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use subtle::{Choice, ConstantTimeEq as _};

use crate::error::Error;
use crate::failure::Failure;

/// The header, or the key of metadata, with the secret by default.
const HEADER: &str = "x-centrifugo-secret";

/// The proof by which a caller shows that it is Centrifugo. Anybody else could learn what the handlers say about any user.
///
/// The caller is checked before the body of its request is read. Others get 401, over gRPC `Unauthenticated`.
///
/// ```
/// use centrifugo_proxy::{Caller, Handlers, Secrets};
///
/// # fn main() -> Result<(), centrifugo_proxy::Error> {
/// let secrets = Secrets::new(["the new one", "the old one"])?; // `replace` changes them while the program runs
/// let handlers = Handlers::new(Caller::with_secrets(&secrets));
/// # Ok(()) }
/// ```
///
/// # Certificates
///
/// A server with TLS may want a certificate of each client, which an authority of yours has signed: others do not get through the
/// handshake. If the authority signs for Centrifugo alone, that is enough, with [`anyone`](Self::anyone). Otherwise check which
/// certificate it is. A server of tonic has it in the extensions:
///
/// ```
/// # #[cfg(feature = "grpc")] {
/// use centrifugo_proxy::Caller;
/// use tokio_rustls::rustls::pki_types::CertificateDer;
/// use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
///
/// # fn caller(centrifugo: CertificateDer<'static>) -> Caller {
/// // The server: `ServerTlsConfig::new().identity(…).client_ca_root(authority)`.
/// Caller::verified_by(move |_, extensions| {
///     let connection = extensions.get::<TlsConnectInfo<TcpConnectInfo>>();
///     let shown = connection.and_then(TlsConnectInfo::peer_certs);
///     shown.is_some_and(|shown| shown.first() == Some(&centrifugo))
/// })
/// # }
/// # let _ = caller; }
/// ```
///
/// Over HTTP your server puts it there:
/// [`hyper_tls.rs`](https://docs.rs/crate/centrifugo-proxy/latest/source/examples/hyper_tls.rs).
/// [`ProxyConfiguration::client_certificate`](crate::ProxyConfiguration::client_certificate) is Centrifugo's side.
#[derive(Clone)]
#[must_use]
pub struct Caller {
    kind: Kind,
    header: HeaderName,
}

#[derive(Clone)]
enum Kind {
    Secret(Secrets),
    Verified(Arc<Verify>),
    Anyone,
}

type Verify = dyn Fn(&HeaderMap, &Extensions) -> bool + Send + Sync;

impl Caller {
    /// Requires a secret in the header `x-centrifugo-secret`; over gRPC, in the metadata.
    ///
    /// In Centrifugo's configuration it is in `http.static_headers` or `grpc.static_metadata` of each proxy, which
    /// [`ProxyConfiguration`](crate::ProxyConfiguration) prints. Neither `http_headers` nor `emulated_headers` may name this
    /// header: the client's value would take the place of the secret.
    ///
    /// # Errors
    ///
    /// [`Error`] if the secret is empty, or has something else than printable ASCII.
    pub fn with_secret(secret: impl Into<String>) -> Result<Self, Error> {
        Ok(Self::with_secrets(&Secrets::new([secret])?))
    }

    /// Requires one of several secrets, which may change while the program runs.
    pub fn with_secrets(secrets: &Secrets) -> Self {
        Self::of(Kind::Secret(secrets.clone()))
    }

    /// Requires what a function of yours checks: the client's certificate in the extensions, for instance.
    ///
    /// The function gets the headers, or the metadata, and the extensions of the request.
    pub fn verified_by(
        verify: impl Fn(&HeaderMap, &Extensions) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::of(Kind::Verified(Arc::new(verify)))
    }

    /// Requires nothing: for networks in which only Centrifugo reaches the handlers, and for servers that check the
    /// certificates of clients themselves.
    pub fn anyone() -> Self {
        Self::of(Kind::Anyone)
    }

    /// Changes the header with the secret.
    ///
    /// # Errors
    ///
    /// [`Error`] if it is not a valid name of a header.
    pub fn header(mut self, name: &str) -> Result<Self, Error> {
        let header = HeaderName::try_from(name);
        self.header = header.map_err(|_| {
            Error::new(format!(
                "{name:?} is not a valid name of a header: give `Caller::header` one such as `x-centrifugo-secret`"
            ))
        })?;
        Ok(self)
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            header: HeaderName::from_static(HEADER),
        }
    }

    /// Returns the header with the secret, and the secret that Centrifugo shall send.
    pub(crate) fn secret(&self) -> Option<(&HeaderName, String)> {
        match &self.kind {
            Kind::Secret(secrets) => Some((&self.header, secrets.first())),
            Kind::Verified(_) | Kind::Anyone => None,
        }
    }

    /// Checks the head of a request.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<(), Failure> {
        let is_allowed = match &self.kind {
            Kind::Anyone => true,
            Kind::Verified(verify) => verify(headers, extensions),
            Kind::Secret(secrets) => {
                let Some(first) = headers.get(&self.header) else {
                    return Err(Failure::Unauthenticated(
                        "the header with the secret is missing",
                    ));
                };
                let is_secret = |value: &HeaderValue| secrets.contain(value.as_bytes());
                // Usually there is one.
                is_secret(first) || headers.get_all(&self.header).iter().any(is_secret)
            }
        };
        if is_allowed {
            return Ok(());
        }
        Err(Failure::Unauthenticated(match &self.kind {
            Kind::Secret(_) => "the secret is another one",
            _ => "the function of `Caller::verified_by` said no",
        }))
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match &self.kind {
            Kind::Secret(_) => "Caller(with a secret)",
            Kind::Verified(_) => "Caller(verified by a function)",
            Kind::Anyone => "Caller(anyone)",
        })
    }
}

/// The secrets of which Centrifugo sends one. Clones share them.
///
/// To change the secret without losing an event, put the new one in front of the old one, then change Centrifugo's
/// configuration, and then remove the old one.
#[derive(Clone)]
pub struct Secrets(Arc<RwLock<Vec<String>>>);

impl Secrets {
    /// Creates the list of secrets, the newest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if there is none, or if one is empty or has something else than printable ASCII without spaces at its ends.
    pub fn new<S: Into<String>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        Ok(Self(Arc::new(RwLock::new(checked(secrets)?))))
    }

    /// Replaces all secrets, for these handlers and all clones.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); the secrets then stay as they are.
    pub fn replace<S: Into<String>>(
        &self,
        secrets: impl IntoIterator<Item = S>,
    ) -> Result<(), Error> {
        let secrets = checked(secrets)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = secrets;
        Ok(())
    }

    fn first(&self) -> String {
        let secrets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        secrets.first().cloned().unwrap_or_default()
    }

    /// Returns whether a value is one of the secrets, in a time that does not depend on where they differ.
    fn contain(&self, value: &[u8]) -> bool {
        let secrets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let equal = secrets.iter().map(|secret| secret.as_bytes().ct_eq(value));
        equal.fold(Choice::from(0), |any, equal| any | equal).into()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secrets")
    }
}

fn checked<S: Into<String>>(secrets: impl IntoIterator<Item = S>) -> Result<Vec<String>, Error> {
    let secrets: Vec<String> = secrets.into_iter().map(Into::into).collect();
    if secrets.is_empty() {
        return Err(Error::new("there is no secret: give at least one"));
    }
    for secret in &secrets {
        let is_printable = secret
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if secret.is_empty() || !is_printable || secret.trim() != secret {
            return Err(Error::new(
                "a secret is empty, or has something else than printable ASCII without spaces at its ends: headers carry no \
                 other text",
            ));
        }
    }
    Ok(secrets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    fn allows(caller: &Caller, headers: &HeaderMap) -> bool {
        caller.check(headers, &Extensions::new()).is_ok()
    }

    #[test]
    fn secret_is_required_in_its_header() -> Result<(), Error> {
        let caller = Caller::with_secret("s3cret")?;
        assert!(allows(&caller, &headers(HEADER, &["s3cret"])));
        assert!(allows(&caller, &headers(HEADER, &["other", "s3cret"])));
        for wrong in ["", "s3cre", "s3cret2", "S3cret", "other"] {
            assert!(!allows(&caller, &headers(HEADER, &[wrong])), "{wrong}");
        }
        assert!(!allows(&caller, &headers("authorization", &["s3cret"])));
        let renamed = caller.header("Authorization")?;
        assert!(allows(&renamed, &headers("authorization", &["s3cret"])));
        assert!(!allows(&renamed, &headers(HEADER, &["s3cret"])));
        Ok(())
    }

    #[test]
    fn secrets_are_replaced_for_all_clones() -> Result<(), Error> {
        let secrets = Secrets::new(["new", "old"])?;
        let caller = Caller::with_secrets(&secrets);
        assert!(allows(&caller, &headers(HEADER, &["old"])));
        secrets.replace(["new"])?;
        assert!(!allows(&caller, &headers(HEADER, &["old"])));
        assert!(allows(&caller, &headers(HEADER, &["new"])));
        assert!(secrets.replace(Vec::<String>::new()).is_err());
        assert!(allows(&caller, &headers(HEADER, &["new"])));
        Ok(())
    }

    #[test]
    fn secrets_that_no_header_carries_are_refused() {
        for secret in ["", " a", "a\n", "ä"] {
            assert!(Caller::with_secret(secret).is_err(), "{secret:?}");
        }
    }

    #[test]
    fn invalid_name_of_the_header_is_quoted() -> Result<(), Error> {
        let error = Caller::with_secret("s3cret")?.header("my secret");
        let error = error
            .map(drop)
            .expect_err("the name is invalid")
            .to_string();
        assert!(error.contains("\"my secret\""), "{error}");
        Ok(())
    }

    #[test]
    fn debug_shows_no_secret() -> Result<(), Error> {
        let secrets = Secrets::new(["hidden"])?;
        let shown = format!("{secrets:?} {:?}", Caller::with_secrets(&secrets));
        assert!(!shown.contains("hidden"), "{shown}");
        Ok(())
    }
}
