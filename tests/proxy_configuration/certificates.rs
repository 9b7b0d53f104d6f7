//! A server that was started with the printed options of TLS shows its certificate to the handlers.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use centrifuge::Client;
use centrifugo_proxy::{Caller, ConnectReply, Handlers, ProxyConfiguration};
use futures_util::stream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use crate::arriving::{DEADLINE, GENERAL};
use crate::authority::{Authority, Certified};
use crate::hyper_tls;
use crate::server::{Backend, Server, Version};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The name in the certificate of the backend, whose address is another.
const NAME: &str = "backend.internal";

/// What tonic's server knows of a connection.
type Connection = <TlsStream<TcpStream> as Connected>::ConnectInfo;

struct Certificates {
    authority: Authority,
    backend: Certified,
    centrifugo: Certified,
    /// Another client of the same authority.
    other: Certified,
}

impl Certificates {
    fn new() -> Outcome<Self> {
        let authority = Authority::new()?;
        Ok(Self {
            backend: authority.certify(NAME)?,
            centrifugo: authority.certify("centrifugo")?,
            other: authority.certify("other")?,
            authority,
        })
    }

    /// Returns the TLS of the backend.
    fn server_config(&self) -> Outcome<ServerConfig> {
        let certificate = CertificateDer::from_pem_slice(self.backend.certificate.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(self.backend.key.as_bytes())?;
        let config = hyper_tls::server_config(certificate, key, self.authority.der().into());
        Ok(config.map_err(|error| error.to_string())?)
    }

    fn of_centrifugo(&self) -> Outcome<CertificateDer<'static>> {
        let pem = self.centrifugo.certificate.as_bytes();
        Ok(CertificateDer::from_pem_slice(pem)?)
    }
}

/// Returns handlers, and the kinds of their failures.
fn handlers(caller: Caller) -> (Handlers, UnboundedReceiver<&'static str>) {
    let (sender, failures) = unbounded_channel();
    let handlers = Handlers::new(caller)
        .connect(|_| async { Ok(ConnectReply::user("42")) })
        .on_failure(move |failed| {
            sender
                .send(failed.failure().kind())
                .expect("the test listens")
        });
    (handlers, failures)
}

/// Serves handlers over gRPC, with TLS of the application's own.
async fn serve_grpc(handlers: &Handlers, mut config: ServerConfig) -> Outcome<SocketAddr> {
    config.alpn_protocols = vec![b"h2".to_vec()];
    let tls = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let connections = stream::unfold((listener, tls), |(listener, tls)| async move {
        let (connection, _) = listener.accept().await.ok()?;
        Some((tls.accept(connection).await, (listener, tls)))
    });
    let server = tonic::transport::Server::builder().add_service(handlers.grpc());
    tokio::spawn(server.serve_with_incoming(connections));
    Ok(address)
}

/// Starts a server with the printed environment, and lets a client connect.
async fn connect(configuration: &ProxyConfiguration) -> Outcome<(Server, Client)> {
    let printed = configuration.to_environment()?;
    let printed = printed.iter().map(|(name, value)| (&**name, &**value));
    let options: Vec<_> = GENERAL.into_iter().chain(printed).collect();
    let server = Server::start_bare(Backend::Real(Version::V6), &options).await;
    let client = Client::builder(server.websocket_url()).build()?;
    client.connect()?;
    Ok((server, client))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn certificate_is_shown_over_http() -> Outcome {
    let certificates = Certificates::new()?;
    let (handlers, mut failures) = handlers(hyper_tls::caller(certificates.of_centrifugo()?));
    let tls = Arc::new(certificates.server_config()?).into();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://{}/centrifugo", listener.local_addr()?);
    tokio::spawn(hyper_tls::serve(listener, tls, handlers.clone()));
    let configuration = ProxyConfiguration::new(&handlers)
        .http(url)
        .server_ca(certificates.authority.pem())
        .server_name(NAME);

    let Certified { certificate, key } = &certificates.centrifugo;
    let own = configuration.clone().client_certificate(certificate, key);
    let (_server, client) = connect(&own).await?;
    client.ready(Some(DEADLINE)).await?;

    let Certified { certificate, key } = &certificates.other;
    let other = configuration.client_certificate(certificate, key);
    let (_server, _client) = connect(&other).await?;
    let failure = tokio::time::timeout(DEADLINE, failures.recv()).await?;
    assert_eq!(failure, Some("unauthenticated"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn certificate_from_files_is_shown_over_grpc() -> Outcome {
    let certificates = Certificates::new()?;
    let centrifugo = certificates.of_centrifugo()?;
    let (handlers, mut failures) = handlers(Caller::verified_by(move |_, extensions| {
        let shown = extensions
            .get::<Connection>()
            .and_then(Connection::peer_certs);
        shown.is_some_and(|shown| shown.first() == Some(&centrifugo))
    }));
    let address = serve_grpc(&handlers, certificates.server_config()?).await?;
    let folder = tempfile::tempdir()?;
    let file = |name: &str, text: &str| -> Outcome<String> {
        let path = folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    };
    let configuration = ProxyConfiguration::new(&handlers)
        .grpc(format!("grpcs://{address}"))
        .server_ca(file("authority.pem", &certificates.authority.pem())?)
        .server_name(NAME);

    let Certified { certificate, key } = &certificates.centrifugo;
    let certificate = file("centrifugo.pem", certificate)?;
    let key = file("centrifugo.key", key)?;
    let own = configuration.clone().client_certificate(certificate, key);
    let (_server, client) = connect(&own).await?;
    client.ready(Some(DEADLINE)).await?;

    let Certified { certificate, key } = &certificates.other;
    let certificate = file("other.pem", certificate)?;
    let key = file("other.key", key)?;
    let other = configuration.client_certificate(certificate, key);
    let (_server, _client) = connect(&other).await?;
    let failure = tokio::time::timeout(DEADLINE, failures.recv()).await?;
    assert_eq!(failure, Some("unauthenticated"));
    Ok(())
}
