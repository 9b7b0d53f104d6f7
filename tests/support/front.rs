//! A listener in front of a server, whose connections misbehave as they are told: they go silent, hang, are slow, or
//! leave with a GOAWAY.

#![allow(dead_code)] // each test binary uses a part of it

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

/// What becomes of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    Pass,
    /// Nothing is read, and nothing is sent.
    Hang,
    /// It passes after that time.
    Slow(Duration),
    /// The server leaves with a GOAWAY before it processes the stream of that number, counted from one.
    LeaveBefore(u32),
}

/// The connections so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    pub(crate) ended: usize,
}

pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    /// The connections that were made before the last freeze are silent.
    frozen: watch::Sender<usize>,
    seen: watch::Sender<Seen>,
    accepting: JoinHandle<()>,
}

impl Front {
    /// Starts the listener. The n-th connection, counted from zero, has the manner that `manner` returns for n.
    pub(crate) async fn start(
        server: SocketAddr,
        tls: Option<TlsAcceptor>,
        manner: impl Fn(usize) -> Manner + Send + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let frozen = watch::Sender::new(0);
        let seen = watch::Sender::<Seen>::default();
        let accepting = tokio::spawn({
            let frozen = frozen.clone();
            let seen = seen.clone();
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let number = seen.borrow().connections;
                    seen.send_modify(|seen| seen.connections += 1);
                    let manner = manner(number);
                    let tls = tls.clone();
                    let mut frozen = frozen.subscribe();
                    let seen = seen.clone();
                    tokio::spawn(async move {
                        let mut serving = pin!(serve(client, server, tls, manner));
                        tokio::select! {
                            _ = &mut serving => {}
                            // The future keeps the sockets, but is not polled any more.
                            () = is_frozen(&mut frozen, number) => pending().await,
                        }
                        seen.send_modify(|seen| seen.ended += 1);
                    });
                }
            }
        });
        Ok(Self {
            address,
            frozen,
            seen,
            accepting,
        })
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.borrow().connections
    }

    /// Lets all connections that there are go silent, without an end.
    pub(crate) fn freeze(&self) {
        self.frozen.send_replace(self.connections());
    }

    /// Waits until `is_expected` accepts the numbers.
    pub(crate) async fn wait_for(&self, is_expected: impl Fn(Seen) -> bool) {
        let mut seen = self.seen.subscribe();
        let seen = seen.wait_for(|seen| is_expected(*seen)).await;
        seen.expect("the front lives");
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Returns the server's side of TLS with HTTP/2, given its certificate and key in PEM.
pub(crate) fn acceptor(pem: &str) -> Result<TlsAcceptor, Box<dyn std::error::Error>> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes())?;
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())?;
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn is_frozen(frozen: &mut watch::Receiver<usize>, number: usize) {
    if frozen.wait_for(|before| number < *before).await.is_err() {
        pending().await
    }
}

async fn serve(
    client: TcpStream,
    server: SocketAddr,
    tls: Option<TlsAcceptor>,
    manner: Manner,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    match manner {
        Manner::Hang => pending().await,
        Manner::Slow(time) => tokio::time::sleep(time).await,
        Manner::Pass | Manner::LeaveBefore(_) => {}
    }
    match tls {
        Some(tls) => pass(tls.accept(client).await?, server, manner).await,
        None => pass(client, server, manner).await,
    }
}

async fn pass(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    server: SocketAddr,
    manner: Manner,
) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    server.set_nodelay(true)?;
    match manner {
        Manner::LeaveBefore(stream) => pass_until(client, server, stream).await,
        _ => copy_bidirectional(&mut client, &mut server).await.map(drop),
    }
}

/// Passes HTTP/2 frames on until the client begins a stream, and answers that with a GOAWAY. The replies to earlier
/// streams are still passed on.
async fn pass_until(
    client: impl AsyncRead + AsyncWrite + Unpin,
    server: TcpStream,
    last: u32,
) -> io::Result<()> {
    const HEADERS: u8 = 1;
    const PREFACE: usize = 24;
    let (mut from_client, to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = server.into_split();
    let to_client = Arc::new(Mutex::new(to_client));
    let requests = async {
        let mut preface = [0; PREFACE];
        from_client.read_exact(&mut preface).await?;
        to_server.write_all(&preface).await?;
        // Clients number their streams 1, 3, 5...
        let processed = (2 * last).saturating_sub(3);
        let mut begun = 0;
        while let Ok(frame) = read_frame(&mut from_client).await {
            begun += u32::from(frame[3] == HEADERS);
            if begun == last && frame[3] == HEADERS {
                to_client
                    .lock()
                    .await
                    .write_all(&go_away(processed))
                    .await?;
            }
            let stream = u32::from_be_bytes([frame[5], frame[6], frame[7], frame[8]]);
            if stream <= processed {
                to_server.write_all(&frame).await?;
            }
        }
        io::Result::Ok(())
    };
    let replies = async {
        while let Ok(frame) = read_frame(&mut from_server).await {
            to_client.lock().await.write_all(&frame).await?;
        }
        Ok(())
    };
    tokio::select! {
        ended = requests => ended,
        ended = replies => ended,
    }
}

async fn read_frame(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    const HEAD: usize = 9;
    let mut frame = vec![0; HEAD];
    from.read_exact(&mut frame).await?;
    let length = usize::try_from(u32::from_be_bytes([0, frame[0], frame[1], frame[2]]));
    frame.resize(HEAD + length.expect("a frame is below 16 MiB"), 0);
    from.read_exact(&mut frame[HEAD..]).await?;
    Ok(frame)
}

/// Returns a GOAWAY without an error.
fn go_away(last_stream: u32) -> Vec<u8> {
    const HEAD: [u8; 9] = [0, 0, 8, 7, 0, 0, 0, 0, 0];
    [&HEAD[..], &last_stream.to_be_bytes(), &[0; 4]].concat()
}
