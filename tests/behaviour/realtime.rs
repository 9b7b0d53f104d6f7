//! Real-time clients, which the calls are about.

use std::fmt::Debug;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use centrifuge::{
    Client, ClientEvent, ClientInfo, EventStream, Publication, ServerSubscribedEvent, SubscriptionEvent,
};
use futures_util::StreamExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::env::{Env, Failure};
use crate::server::Server;

const DEADLINE: Duration = Duration::from_secs(10);

/// Who connects, with the signature of the claims by HS256 and the configured key, `token-secret`.
pub(crate) struct User {
    claims: &'static str,
    signature: &'static str,
}

pub(crate) const ALICE: User = User {
    claims: r#"{"sub":"alice","info":{"name":"Alice"}}"#,
    signature: "A_hVdxFuhXxTWmyvEcE44AASwkqdNQOY6e28qnWk2ZA",
};
pub(crate) const BOB: User = User {
    claims: r#"{"sub":"bob","info":{"name":"Bob"}}"#,
    signature: "lsZtMGxTBbM-8ZJWEEShYCEJfXJ0nz0Q3AhPb7vD7lw",
};

impl User {
    fn token(&self) -> String {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        format!("{}.{}.{}", part(r#"{"alg":"HS256"}"#), part(self.claims), self.signature)
    }
}

/// A connected real-time client.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) id: String,
    events: Events<ClientEvent>,
}

/// A subscription that the client made itself, which lives while it is held.
pub(crate) struct Subscription {
    _client: Client,
    events: Events<SubscriptionEvent>,
}

impl Env {
    /// Connects an anonymous client.
    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        Connection::open(&self.server, None).await
    }

    pub(crate) async fn connect_as(&self, user: &User) -> Result<Connection, Failure> {
        Connection::open(&self.server, Some(user)).await
    }
}

/// Waits for an event that fits the pattern.
macro_rules! wait_for {
    ($events:expr, $pattern:pat $(if $condition:expr)? => $value:expr) => {
        $events.until(|event| match event {
            $pattern $(if $condition)? => Some($value),
            _ => None,
        })
        .await
    };
}

impl Connection {
    pub(crate) async fn open(server: &Server, user: Option<&User>) -> Result<Self, Failure> {
        let token = user.map(User::token).unwrap_or_default();
        let client = Client::builder(server.websocket_url()).token(token).build()?;
        let mut events = Events::of(client.events());
        client.connect()?;
        let id = wait_for!(events, ClientEvent::Connected(connected) => connected.client_id)?;
        Ok(Self { client, id, events })
    }

    /// Subscribes, and waits until that is done.
    pub(crate) async fn subscribe(&self, channel: &str) -> Result<Subscription, Failure> {
        let subscription = self.client.new_subscription(channel).build()?;
        let mut events = Events::of(subscription.events());
        subscription.subscribe();
        wait_for!(events, SubscriptionEvent::Subscribed(_) => ())?;
        Ok(Subscription { _client: self.client.clone(), events })
    }

    /// Waits until the server has subscribed the client to a channel.
    pub(crate) async fn subscribed(&mut self) -> Result<ServerSubscribedEvent, Failure> {
        wait_for!(self.events, ClientEvent::ServerSubscribed(event) => event)
    }

    /// Waits until the server has ended one of its own subscriptions, and answers the channel.
    pub(crate) async fn unsubscribed(&mut self) -> Result<String, Failure> {
        wait_for!(self.events, ClientEvent::ServerUnsubscribed(event) => event.channel)
    }

    /// Waits for a publication in a subscription that the server made.
    pub(crate) async fn publication(&mut self) -> Result<Publication, Failure> {
        wait_for!(self.events, ClientEvent::ServerPublication(event) => event.publication)
    }

    /// Waits until somebody has joined a channel that the server subscribed the client to.
    pub(crate) async fn joined(&mut self) -> Result<ClientInfo, Failure> {
        wait_for!(self.events, ClientEvent::ServerJoin(event) => event.info)
    }

    /// Waits until the server has closed the connection for good, and answers the code and the reason.
    pub(crate) async fn disconnected(&mut self) -> Result<(u32, String), Failure> {
        wait_for!(self.events, ClientEvent::Disconnected(event) => (event.code, event.reason))
    }

    /// Waits until the connection was closed and the client connects anew, and answers the code and the reason.
    pub(crate) async fn reconnecting(&mut self) -> Result<(u32, String), Failure> {
        wait_for!(self.events, ClientEvent::Connecting(event) => (event.code, event.reason))
    }
}

impl Subscription {
    pub(crate) async fn publication(&mut self) -> Result<Publication, Failure> {
        wait_for!(self.events, SubscriptionEvent::Publication(event) => event.publication)
    }

    /// Waits until the server has ended the subscription, and answers the code and the reason.
    pub(crate) async fn unsubscribed(&mut self) -> Result<(u32, String), Failure> {
        wait_for!(self.events, SubscriptionEvent::Unsubscribed(event) => (event.code, event.reason))
    }

    /// Waits until a client has left the channel.
    pub(crate) async fn left(&mut self, client: &str) -> Result<(), Failure> {
        wait_for!(self.events, SubscriptionEvent::Leave(left) if left.client == client => ())
    }
}

/// Events as they came, taken at once since an untaken one stops the client.
struct Events<T>(UnboundedReceiver<T>);

impl<T: Clone + Debug + Send + 'static> Events<T> {
    fn of(mut stream: EventStream<T>) -> Self {
        let (sender, receiver) = unbounded_channel();
        tokio::spawn(async move {
            while let Some(event) = stream.next().await {
                // Whoever waits no more needs none.
                let _ = sender.send(event);
            }
        });
        Self(receiver)
    }

    async fn until<U>(&mut self, pick: impl Fn(T) -> Option<U>) -> Result<U, Failure> {
        let mut passed = Vec::new();
        let picked = async {
            while let Some(event) = self.0.recv().await {
                match pick(event.clone()) {
                    Some(picked) => return Some(picked),
                    None => passed.push(event),
                }
            }
            None
        };
        match tokio::time::timeout(DEADLINE, picked).await {
            Ok(Some(picked)) => Ok(picked),
            _ => Err(format!("the event did not come; others were {passed:#?}").into()),
        }
    }
}
