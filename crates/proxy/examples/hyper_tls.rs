//! Handlers on hyper with TLS, for a Centrifugo that shows its certificate: on port 3000.
//!
//! ```sh
//! cargo run -p centrifugo-proxy --example hyper_tls -- backend.pem backend.key authority.pem centrifugo.pem
//! ```
//!
//! The files have the certificate and the key of this backend, the authority of its callers, and the certificate of Centrifugo.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use centrifugo_proxy::{Caller, ConnectReply, Handlers};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tower::ServiceExt as _;

type Problem = Box<dyn Error + Send + Sync>;

/// The time in which a connection must be encrypted.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// The certificate that the caller has shown, in the extensions of each of its requests.
#[derive(Clone)]
struct CallerCertificate(CertificateDer<'static>);

/// Returns the caller that has shown this certificate. The authority may have signed others too.
pub(crate) fn caller(certificate: CertificateDer<'static>) -> Caller {
    Caller::verified_by(move |_, extensions| {
        let shown = extensions.get::<CallerCertificate>();
        shown.is_some_and(|shown| shown.0 == certificate)
    })
}

/// Returns the TLS of a server that wants certificates of its clients, signed by an authority.
pub(crate) fn server_config(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    authority: CertificateDer<'static>,
) -> Result<ServerConfig, Problem> {
    let provider = Arc::new(ring::default_provider());
    let mut authorities = RootCertStore::empty();
    authorities.add(authority)?;
    let authorities = Arc::new(authorities);
    let verifier = WebPkiClientVerifier::builder_with_provider(authorities, provider.clone());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier.build()?);
    Ok(config.with_single_cert(vec![certificate], key)?)
}

/// Serves the handlers below `/centrifugo`.
pub(crate) async fn serve(listener: TcpListener, tls: TlsAcceptor, handlers: Handlers) {
    loop {
        let connection = match listener.accept().await {
            Ok((connection, _)) => connection,
            Err(error) => {
                eprintln!("no connection: {error}");
                // It may be that too many files are open.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let serving = serve_connection(connection, tls.clone(), handlers.clone());
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                eprintln!("a connection ended: {error}");
            }
        });
    }
}

async fn serve_connection(
    connection: TcpStream,
    tls: TlsAcceptor,
    handlers: Handlers,
) -> Result<(), Problem> {
    let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(connection));
    let connection = handshake.await??;
    let (_, session) = connection.get_ref();
    let certificates = session.peer_certificates();
    let certificate = certificates.and_then(|certificates| certificates.first());
    let certificate = certificate.ok_or("there is no certificate")?;
    let certificate = CallerCertificate(certificate.clone());
    let service = handlers.http().below("/centrifugo");
    let service = service.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(certificate.clone());
        request
    });
    http1::Builder::new()
        .timer(TokioTimer::new()) // with which hyper limits the time of heads
        .serve_connection(TokioIo::new(connection), TowerToHyperService::new(service))
        .await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Problem> {
    let mut files = std::env::args().skip(1);
    let mut file = move || files.next().ok_or("give the names of four files");
    let certificate = CertificateDer::from_pem_file(file()?)?;
    let key = PrivateKeyDer::from_pem_file(file()?)?;
    let authority = CertificateDer::from_pem_file(file()?)?;
    let caller = caller(CertificateDer::from_pem_file(file()?)?);
    let handlers = Handlers::new(caller)
        .connect(|_| async { Ok(ConnectReply::user("42")) })
        .on_failure(|failed| eprintln!("{failed}"));
    let config = server_config(certificate, key, authority)?;
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    serve(listener, Arc::new(config).into(), handlers).await;
    Ok(())
}
