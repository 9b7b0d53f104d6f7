//! Signs tokens by another process, which alone has the key, over a Unix socket.
//!
//! `cargo run --example unix_socket_signer` starts the other process itself: this program with the argument `serve`.

#[cfg(unix)]
use example::run;

#[cfg(unix)]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    run().await
}

#[cfg(not(unix))]
fn main() {
    println!("there are no Unix sockets here");
}

#[cfg(unix)]
mod example {
    use std::error::Error;
    use std::path::{Path, PathBuf};
    use std::process::Stdio;
    use std::time::Duration;

    use centrifugo_token::{Algorithm, ConnectionClaims, Expiry, Key, Signer, SignerError};
    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::{UnixListener, UnixStream};
    use tokio::process::Command;

    /// A key for this example alone. A real one comes from a file that only the signing process may read.
    const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

    /// The signer of the web application, which has no key.
    struct SocketSigner {
        socket: PathBuf,
    }

    impl Signer for SocketSigner {
        fn algorithm(&self) -> Algorithm {
            Algorithm::EdDsa
        }

        fn key_id(&self) -> Option<&str> {
            Some("2026-01")
        }

        async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
            let exchange = async {
                let mut stream = UnixStream::connect(&self.socket).await?;
                stream.write_all(message).await?;
                stream.shutdown().await?;
                let mut signature = Vec::new();
                stream.read_to_end(&mut signature).await?;
                Ok(signature)
            };
            tokio::time::timeout(Duration::from_secs(2), exchange).await?
        }
    }

    /// Signs whatever comes: a message until the end of input, and the signature back.
    async fn serve(socket: &Path) -> Result<(), Box<dyn Error>> {
        let key = Key::from_pem(KEY)?;
        let listener = UnixListener::bind(socket)?;
        println!("ready");
        loop {
            let (mut stream, _) = listener.accept().await?;
            let mut message = Vec::new();
            (&mut stream)
                .take(64 * 1024)
                .read_to_end(&mut message)
                .await?;
            stream.write_all(&key.sign(&message)?).await?;
        }
    }

    pub(super) async fn run() -> Result<(), Box<dyn Error>> {
        let mut arguments = std::env::args().skip(1);
        if arguments.next().as_deref() == Some("serve") {
            return serve(Path::new(&arguments.next().ok_or("a socket is missing")?)).await;
        }
        let socket = std::env::temp_dir().join(format!("signer-{}.sock", std::process::id()));
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .arg(&socket)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        BufReader::new(output).lines().next_line().await?;

        let signer = SocketSigner { socket };
        let claims = ConnectionClaims::new("42", Expiry::after(Duration::from_secs(600)));
        let token = claims.sign_with(&signer).await?;
        println!("{token}");

        process.kill().await?;
        std::fs::remove_file(&signer.socket)?;
        Ok(())
    }
}
