//! Callers that show certificates, over HTTP and gRPC.
#![cfg(all(feature = "grpc", feature = "http"))]

#[path = "../../../tests/support/authority.rs"]
mod authority;
#[allow(dead_code)]
#[path = "../examples/hyper_tls.rs"]
mod hyper_tls;

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use centrifugo_proxy::messages::{ConnectRequest, ConnectResponse};
use centrifugo_proxy::{Caller, ConnectReply, Handlers};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::client::Grpc;
use tonic::transport::server::{TcpConnectInfo, TcpIncoming, TlsConnectInfo};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use self::authority::{Authority, Certified};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const HOST: &str = "127.0.0.1";

/// The certificates of a backend, and of those who call it.
struct Certificates {
    authority: Authority,
    backend: Certified,
    centrifugo: Certified,
    /// Another client of the same authority.
    other: Certified,
}

impl Certificates {
    fn new() -> Outcome<Self> {
        // tonic takes the provider that the program has installed.
        let _ = ring::default_provider().install_default();
        let new = || -> Result<Self, Box<dyn Error>> {
            let authority = Authority::new()?;
            Ok(Self {
                backend: authority.certify(HOST)?,
                centrifugo: authority.certify("centrifugo")?,
                other: authority.certify("other")?,
                authority,
            })
        };
        Ok(new().map_err(|error| error.to_string())?)
    }
}

fn der(certified: &Certified) -> Outcome<CertificateDer<'static>> {
    Ok(CertificateDer::from_pem_slice(
        certified.certificate.as_bytes(),
    )?)
}

fn key(certified: &Certified) -> Outcome<PrivateKeyDer<'static>> {
    Ok(PrivateKeyDer::from_pem_slice(certified.key.as_bytes())?)
}

/// Returns handlers, and how often they were called.
fn counted(caller: Caller) -> (Handlers, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let handlers = Handlers::new(caller).connect(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        async { Ok(ConnectReply::user("42")) }
    });
    (handlers, calls)
}

/// Sends an event by HTTP over TLS. Returns the response.
async fn post(
    address: SocketAddr,
    authority: &Authority,
    client: Option<&Certified>,
) -> Outcome<String> {
    let mut authorities = RootCertStore::empty();
    authorities.add(authority.der().into())?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authorities);
    let config = match client {
        Some(client) => config.with_client_auth_cert(vec![der(client)?], key(client)?)?,
        None => config.with_no_client_auth(),
    };
    let connection = TcpStream::connect(address).await?;
    let host = ServerName::try_from(HOST)?;
    let connector = TlsConnector::from(Arc::new(config));
    let mut connection = connector.connect(host, connection).await?;
    let request = "POST /centrifugo/connect HTTP/1.1\r\nhost: backend\r\nconnection: close\r\n\
                   content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    connection.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    connection.read_to_string(&mut response).await?;
    Ok(response)
}

#[tokio::test]
async fn certificates_of_callers_are_checked_over_http() -> Outcome {
    let certificates = Certificates::new()?;
    let backend = &certificates.backend;
    let authority = &certificates.authority;
    let tls = hyper_tls::server_config(der(backend)?, key(backend)?, authority.der().into())?;
    let (handlers, calls) = counted(hyper_tls::caller(der(&certificates.centrifugo)?));
    let listener = TcpListener::bind((HOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(hyper_tls::serve(listener, Arc::new(tls).into(), handlers));

    let response = post(address, authority, Some(&certificates.centrifugo)).await?;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    let response = post(address, authority, Some(&certificates.other)).await?;
    assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
    let refused = post(address, authority, None).await;
    let refused = refused.expect_err("there is no certificate").to_string();
    assert!(refused.contains("CertificateRequired"), "{refused}");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    Ok(())
}

/// Serves the handlers by gRPC over TLS, for callers with certificates.
fn serve_grpc(certificates: &Certificates, handlers: &Handlers) -> Outcome<SocketAddr> {
    let backend = &certificates.backend;
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(&backend.certificate, &backend.key))
        .client_ca_root(Certificate::from_pem(certificates.authority.pem()));
    let incoming = TcpIncoming::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = incoming.local_addr()?;
    let mut server = Server::builder().tls_config(tls)?;
    let server = server.add_service(handlers.grpc());
    tokio::spawn(server.serve_with_incoming(incoming));
    Ok(address)
}

/// Calls the handlers by gRPC over TLS.
async fn call(
    address: SocketAddr,
    authority: &Authority,
    client: Option<&Certified>,
) -> Outcome<Result<ConnectResponse, Status>> {
    let mut tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority.pem()))
        .domain_name(HOST);
    if let Some(client) = client {
        tls = tls.identity(Identity::from_pem(&client.certificate, &client.key));
    }
    let endpoint = Endpoint::try_from(format!("https://{address}"))?.tls_config(tls)?;
    let mut client = Grpc::new(endpoint.connect_lazy());
    let path = "/centrifugal.centrifugo.proxy.CentrifugoProxy/Connect".parse()?;
    client.ready().await?;
    let codec = ProstCodec::<ConnectRequest, ConnectResponse>::default();
    let request = Request::new(ConnectRequest::default());
    let response = client.unary(request, path, codec).await;
    Ok(response.map(tonic::Response::into_inner))
}

#[tokio::test]
async fn certificates_of_callers_are_checked_over_grpc() -> Outcome {
    let certificates = Certificates::new()?;
    let authority = &certificates.authority;
    let centrifugo = der(&certificates.centrifugo)?;
    let caller = Caller::verified_by(move |_, extensions| {
        let connection = extensions.get::<TlsConnectInfo<TcpConnectInfo>>();
        let shown = connection.and_then(TlsConnectInfo::peer_certs);
        shown.is_some_and(|shown| shown.first() == Some(&centrifugo))
    });
    let (handlers, calls) = counted(caller);
    let address = serve_grpc(&certificates, &handlers)?;

    let response = call(address, authority, Some(&certificates.centrifugo)).await??;
    assert_eq!(response.result.unwrap_or_default().user, "42");
    let refused = call(address, authority, Some(&certificates.other)).await?;
    let refused = refused.expect_err("it is the certificate of another client");
    assert_eq!(refused.code(), Code::Unauthenticated);
    let refused = call(address, authority, None).await?;
    let refused = refused.expect_err("there is no certificate");
    assert_ne!(refused.code(), Code::Unauthenticated);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    Ok(())
}

#[tokio::test]
async fn handlers_see_certificates_and_addresses_of_callers_over_grpc() -> Outcome {
    let certificates = Certificates::new()?;
    let authority = &certificates.authority;
    let handlers = Handlers::new(Caller::anyone()).connect(|event| async move {
        let connection = event.extensions().get::<TlsConnectInfo<TcpConnectInfo>>();
        let shown = connection.and_then(TlsConnectInfo::peer_certs);
        let number = shown.map_or(0, |shown| shown.len());
        let host = event.peer().map(|peer| peer.ip().to_string());
        let host = host.unwrap_or_default();
        Ok(ConnectReply::user(format!("{number} from {host}")))
    });
    let address = serve_grpc(&certificates, &handlers)?;
    let response = call(address, authority, Some(&certificates.centrifugo)).await??;
    let user = response.result.unwrap_or_default().user;
    assert_eq!(user, format!("1 from {HOST}"));
    Ok(())
}
