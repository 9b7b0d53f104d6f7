//! A client of a real server.

use std::sync::{Arc, Mutex};

use centrifuge::{ClientErrorKind, TokenError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::DEADLINE;
use super::client::{Event, text};

/// The events that the client's own SDK tells.
#[derive(Debug)]
enum Told {
    Connected(String),
    /// The server has refused a command with an error, or has ended the connection or a subscription.
    Refused(u32),
    /// The client has subscribed, with this data.
    Subscribed(String),
    /// The client asks for a token beyond those that the test gave it.
    WantsToken,
    Event(Event),
}

pub(crate) struct Client {
    id: String,
    client: centrifuge::Client,
    told: UnboundedReceiver<Told>,
    sender: UnboundedSender<Told>,
}

impl Client {
    /// Connects with a token. The next one refreshes the connection.
    pub(super) async fn connect(url: &str, token: &str, next: Option<&str>) -> Result<Self, u32> {
        let (sender, told) = unbounded_channel();
        let client = built(url, token, next, &sender);
        client.connect().expect("the client connects");
        let mut client = Self {
            id: String::new(),
            client,
            told,
            sender,
        };
        match client.next().await {
            Told::Connected(id) => client.id = id,
            Told::Refused(code) | Told::Event(Event::Disconnected(code)) => return Err(code),
            other => panic!("expected the connection, not {other:?}"),
        }
        Ok(client)
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Subscribes with a token, which may be empty, and returns the data. The next one refreshes the subscription.
    pub(super) async fn subscribe(
        &mut self,
        channel: &str,
        token: &str,
        next: Option<&str>,
    ) -> Result<String, u32> {
        let mut builder = self.client.new_subscription(channel);
        if !token.is_empty() {
            let tokens = Tokens::new(next, &self.sender);
            builder = builder
                .token(token)
                .get_token(move |_| tokens.clone().next());
        }
        let subscription = telling(builder.join_leave(true), &self.sender).build();
        subscription
            .expect("the client has one subscription to the channel")
            .subscribe();
        loop {
            match self.next().await {
                Told::Subscribed(data) => return Ok(data),
                Told::Refused(code) | Told::Event(Event::Disconnected(code)) => return Err(code),
                // The client's own, or that of a server's subscription.
                Told::Event(_) => {}
                other => panic!("expected the subscription, not {other:?}"),
            }
        }
    }

    /// Waits until the second token is in force, or refused.
    pub(super) async fn refreshed(&mut self) -> Result<(), u32> {
        loop {
            match self.next().await {
                Told::WantsToken => return Ok(()),
                Told::Refused(code) | Told::Event(Event::Disconnected(code)) => return Err(code),
                Told::Event(_) => {}
                other => panic!("expected a refresh, not {other:?}"),
            }
        }
    }

    pub(super) async fn event(&mut self) -> Event {
        loop {
            if let Told::Event(event) = self.next().await {
                return event;
            }
        }
    }

    /// Calls the server, which forwards the call to a proxy.
    pub(crate) async fn rpc(&self, method: &str) -> Result<(), centrifuge::Error> {
        self.client.rpc(method, "{}").await.map(drop)
    }

    async fn next(&mut self) -> Told {
        let told = tokio::time::timeout(DEADLINE, self.told.recv()).await;
        told.expect("the client tells something in time")
            .expect("the client lives")
    }
}

/// Lets a subscription tell what it sees.
fn telling(
    builder: centrifuge::SubscriptionBuilder,
    sender: &UnboundedSender<Told>,
) -> centrifuge::SubscriptionBuilder {
    let [subscribed, ended, refused, failed, joined, left] = [(); 6].map(|()| sender.clone());
    builder
        .on_subscribed(move |_, event| {
            let data = event.data.unwrap_or_default();
            tell(&subscribed, Told::Subscribed(text(&data)));
        })
        .on_subscribing(move |_, event| {
            // Codes below are the client's own.
            if event.code >= 2000 {
                tell(&ended, Told::Event(Event::Unsubscribed(event.code)));
            }
        })
        .on_unsubscribed(move |_, event| tell(&refused, Told::Refused(event.code)))
        .on_error(move |_, event| tell(&failed, Told::Refused(last_number(&event.error.message))))
        .on_join(move |subscription, event| {
            let channel = subscription.channel().to_owned();
            let client = event.info.client;
            tell(&joined, Told::Event(Event::Joined { channel, client }));
        })
        .on_leave(move |_, event| tell(&left, Told::Event(of_left(event.info))))
}

/// Builds a client that tells what it sees.
fn built(
    url: &str,
    token: &str,
    next: Option<&str>,
    sender: &UnboundedSender<Told>,
) -> centrifuge::Client {
    let [connected, failed, lost, ended, subscribed, joined, left] =
        [(); 7].map(|()| sender.clone());
    let tokens = Tokens::new(next, sender);
    let builder = centrifuge::Client::builder(url)
        .token(token)
        .get_token(move |_| {
            let next = tokens.clone().next();
            async { next.await.map(Some) }
        })
        .on_connected(move |_, event| tell(&connected, Told::Connected(event.client_id)))
        .on_error(move |_, event| {
            if let ClientErrorKind::Connect | ClientErrorKind::Refresh = event.error.kind {
                tell(&failed, Told::Refused(last_number(&event.error.message)));
            }
        })
        .on_connecting(move |_, event| {
            // Codes below are the client's own.
            if event.code >= 3000 {
                tell(&lost, Told::Event(Event::Disconnected(event.code)));
            }
        })
        .on_disconnected(move |_, event| {
            tell(&ended, Told::Event(Event::Disconnected(event.code)));
        })
        .on_subscribed(move |_, event| {
            let subscription = Event::Subscribed {
                channel: event.channel,
                data: text(&event.info.data.unwrap_or_default()),
                recoverable: event.info.recoverable,
                positioned: event.info.positioned,
            };
            tell(&subscribed, Told::Event(subscription));
        })
        .on_join(move |_, event| {
            let channel = event.channel;
            let client = event.info.client;
            tell(&joined, Told::Event(Event::Joined { channel, client }));
        })
        .on_leave(move |_, event| tell(&left, Told::Event(of_left(event.info))));
    builder.build().expect("the client is valid")
}

/// The tokens that a client gets when it asks: one at most.
#[derive(Clone)]
struct Tokens {
    next: Arc<Mutex<Option<String>>>,
    sender: UnboundedSender<Told>,
}

impl Tokens {
    fn new(next: Option<&str>, sender: &UnboundedSender<Told>) -> Self {
        Self {
            next: Arc::new(Mutex::new(next.map(str::to_owned))),
            sender: sender.clone(),
        }
    }

    async fn next(self) -> Result<String, TokenError> {
        let next = self.next.lock().expect("no thread panics").take();
        if let Some(token) = next {
            return Ok(token);
        }
        tell(&self.sender, Told::WantsToken);
        std::future::pending().await
    }
}

fn of_left(info: centrifuge::ClientInfo) -> Event {
    Event::Left {
        client: info.client,
        conn_info: text(&info.conn_info.unwrap_or_default()),
        chan_info: text(&info.chan_info.unwrap_or_default()),
    }
}

fn tell(sender: &UnboundedSender<Told>, told: Told) {
    // The receiver is gone when the test has ended.
    let _ = sender.send(told);
}

/// Returns the code at the end of an error's text, such as `token expired (109)`.
fn last_number(message: &str) -> u32 {
    let code = message
        .trim_end_matches(')')
        .rsplit('(')
        .next()
        .unwrap_or_default();
    code.parse()
        .unwrap_or_else(|_| panic!("the error has no code: {message}"))
}
