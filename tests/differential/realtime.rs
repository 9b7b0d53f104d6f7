//! A client that is connected to a real server.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message as _;
use ring::hmac;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::observed_events::{Events, ObservedEvent};
use crate::protocol::{ChannelRequest, Command, ConnectRequest, Reply};
use crate::websocket::{self, Message, Protocol, Reader, Writer};

/// The key of tokens in `tests/centrifugo/6.9.1.json`.
const TOKEN_KEY: &[u8] = b"token-secret";

pub(crate) struct RealConnection {
    pub(crate) id: String,
    last_command: u32,
    outgoing: Option<UnboundedSender<Vec<u8>>>,
    waiting: Waiting,
    reader: JoinHandle<()>,
}

/// The calls that wait for replies, or `None` when the connection is closed.
type Waiting = Arc<Mutex<Option<HashMap<u32, oneshot::Sender<Reply>>>>>;

impl RealConnection {
    pub(crate) async fn open(
        address: &str,
        user: &str,
        info: Option<&str>,
        events: Events,
    ) -> io::Result<Self> {
        let (reader, writer) = websocket::connect(address, Protocol::Protobuf).await?;
        let (outgoing, messages) = unbounded_channel::<Vec<u8>>();
        tokio::spawn(write(writer, messages));
        let waiting = Waiting::new(Mutex::new(Some(HashMap::new())));
        let reader = tokio::spawn(read(
            reader,
            outgoing.downgrade(),
            Arc::clone(&waiting),
            events,
        ));
        let mut connection = Self {
            id: String::new(),
            last_command: 0,
            outgoing: Some(outgoing),
            waiting,
            reader,
        };
        let token = token(user, info);
        let connect = Command {
            connect: Some(ConnectRequest { token }),
            ..Command::default()
        };
        let connected = connection
            .call(connect)
            .await
            .and_then(|reply| reply.connect);
        connection.id = connected
            .ok_or_else(|| io::Error::other("the client was not accepted"))?
            .client;
        Ok(connection)
    }

    /// Sends a command and waits for its reply. Returns `None` if the server has closed the
    /// connection.
    async fn call(&mut self, mut command: Command) -> Option<Reply> {
        self.last_command += 1;
        command.id = self.last_command;
        let (sender, receiver) = oneshot::channel();
        lock(&self.waiting).as_mut()?.insert(command.id, sender);
        self.outgoing
            .as_ref()?
            .send(command.encode_length_delimited_to_vec())
            .ok()?;
        receiver.await.ok()
    }

    pub(crate) async fn subscribe(&mut self, channel: &str) -> Result<(), String> {
        let channel = ChannelRequest {
            channel: channel.to_owned(),
        };
        outcome(
            self.call(Command {
                subscribe: Some(channel),
                ..Command::default()
            })
            .await,
        )
    }

    pub(crate) async fn unsubscribe(&mut self, channel: &str) -> Result<(), String> {
        let channel = ChannelRequest {
            channel: channel.to_owned(),
        };
        outcome(
            self.call(Command {
                unsubscribe: Some(channel),
                ..Command::default()
            })
            .await,
        )
    }

    /// Waits for everything that the server has sent so far, by a command without effect whose
    /// reply comes last.
    pub(crate) async fn catch_up(&mut self) {
        let _ = self.unsubscribe("nowhere").await;
    }

    /// Closes the connection, and waits until the server has done so too.
    pub(crate) async fn close(mut self) {
        self.outgoing = None;
        let _ = self.reader.await;
    }
}

fn outcome(reply: Option<Reply>) -> Result<(), String> {
    match reply {
        Some(Reply { error: None, .. }) => Ok(()),
        Some(Reply {
            error: Some(error), ..
        }) => Err(format!("{}: {}", error.code, error.message)),
        None => Err("disconnected".to_owned()),
    }
}

/// Sends the messages until the channel is closed or a message is empty.
async fn write(mut writer: Writer, mut messages: tokio::sync::mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(message) = messages.recv().await {
        if message.is_empty() {
            break;
        }
        if writer.send(&message).await.is_err() {
            return;
        }
    }
    let _ = writer.close().await;
}

async fn read(
    mut reader: Reader,
    outgoing: tokio::sync::mpsc::WeakUnboundedSender<Vec<u8>>,
    waiting: Waiting,
    events: Events,
) {
    while let Some(message) = reader.next().await {
        let mut message = match message {
            Message::Data(message) => &*message.clone(),
            Message::Close { code, reason } => {
                // The server echoes the close code of a client, and expects an echo of its own.
                if let Some(outgoing) = outgoing.upgrade() {
                    let _ = outgoing.send(Vec::new());
                    events.push(ObservedEvent::Disconnected { code, reason });
                }
                *lock(&waiting) = None;
                reader.end().await;
                break;
            }
        };
        while let Ok(reply) = Reply::decode_length_delimited(&mut message) {
            if reply == Reply::default() {
                // A ping of the server.
                if let Some(outgoing) = outgoing.upgrade() {
                    let _ = outgoing.send(Command::default().encode_length_delimited_to_vec());
                }
            } else if let Some(push) = reply.push {
                events.push(push.into());
            } else if let Some(waiting) = lock(&waiting)
                .as_mut()
                .and_then(|waiting| waiting.remove(&reply.id))
            {
                let _ = waiting.send(reply);
            }
            if message.is_empty() {
                break;
            }
        }
    }
    let is_open = lock(&waiting).take().is_some();
    if is_open && outgoing.upgrade().is_some() {
        events.push(ObservedEvent::Disconnected {
            code: websocket::ABNORMAL,
            reason: String::new(),
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a token of the user, or no token for the anonymous user.
fn token(user: &str, info: Option<&str>) -> String {
    if user.is_empty() {
        return String::new();
    }
    let info = info
        .map(|info| format!(r#","info":{info}"#))
        .unwrap_or_default();
    let claims = format!(r#"{{"sub":"{user}"{info}}}"#);
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!(
        "{}.{}",
        part(br#"{"alg":"HS256"}"#),
        part(claims.as_bytes())
    );
    let signature = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, TOKEN_KEY),
        signed.as_bytes(),
    );
    format!("{signed}.{}", part(signature.as_ref()))
}
