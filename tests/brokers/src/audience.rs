//! A real-time client that subscribes itself to channels and keeps what it sees.

use std::collections::HashMap;
use std::time::Duration;

use centrifuge::{Client, Publication, Subscription};
use tokio::sync::watch;

use crate::server::Server;
use crate::{DEADLINE, Problem};

/// What was seen, by channel.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) publications: HashMap<String, Vec<Publication>>,
    /// The channels of which publications were lost, as far as the client knows.
    unrecovered: Vec<String>,
}

impl Seen {
    /// Returns the publications of a channel as texts.
    pub(crate) fn texts(&self, channel: &str) -> Vec<String> {
        let publications = self.publications.get(channel).into_iter().flatten();
        publications
            .map(|publication| String::from_utf8_lossy(&publication.data).into_owned())
            .collect()
    }

    /// Returns the number of publications of all channels.
    pub(crate) fn count(&self) -> usize {
        self.publications.values().map(Vec::len).sum()
    }
}

pub(crate) struct Audience {
    _client: Client,
    _subscriptions: Vec<Subscription>,
    seen: watch::Receiver<Seen>,
}

impl Audience {
    /// Connects a client, and subscribes it.
    pub(crate) async fn of(server: &Server, channels: &[&str]) -> Result<Self, Problem> {
        let client = Client::builder(server.websocket_url())
            .min_reconnect_delay(Duration::from_millis(20))
            .max_reconnect_delay(Duration::from_millis(200))
            .build()?;
        client.connect()?;
        let (sender, seen) = watch::channel(Seen::default());
        let mut subscriptions = Vec::new();
        for channel in channels {
            let publications = sender.clone();
            let recoveries = sender.clone();
            let subscription = client
                .new_subscription(*channel)
                .min_resubscribe_delay(Duration::from_millis(20))
                .max_resubscribe_delay(Duration::from_millis(200))
                .on_publication(move |subscription, event| {
                    let channel = subscription.channel().to_owned();
                    publications.send_modify(|seen| {
                        let seen = seen.publications.entry(channel).or_default();
                        seen.push(event.publication);
                    });
                })
                .on_subscribed(move |subscription, event| {
                    if event.was_recovering && !event.recovered {
                        let channel = subscription.channel().to_owned();
                        recoveries.send_modify(|seen| seen.unrecovered.push(channel));
                    }
                })
                .build()?;
            subscription.subscribe();
            subscription.ready(Some(DEADLINE)).await?;
            subscriptions.push(subscription);
        }
        Ok(Self {
            _client: client,
            _subscriptions: subscriptions,
            seen,
        })
    }

    /// Waits until the condition holds, and returns what was seen then.
    ///
    /// # Panics
    ///
    /// If that takes too long, or the client has lost publications.
    pub(crate) async fn until(
        &self,
        what: &str,
        condition: impl Fn(&Seen) -> bool,
    ) -> watch::Ref<'_, Seen> {
        let mut seen = self.seen.clone();
        let waited = seen.wait_for(condition);
        let in_time = tokio::time::timeout(DEADLINE, waited).await.is_ok();
        let seen = self.seen.borrow();
        assert_eq!(seen.unrecovered, [""; 0], "the client lost publications");
        assert!(in_time, "{what} does not arrive: {}", summary(&seen));
        seen
    }

    /// Waits until a channel has that many publications, and returns them as texts.
    pub(crate) async fn texts(&self, channel: &str, count: usize) -> Vec<String> {
        let what = format!("publication {count} of {channel}");
        let seen = self.until(&what, |seen| seen.texts(channel).len() >= count);
        seen.await.texts(channel)
    }

    pub(crate) fn seen(&self) -> watch::Ref<'_, Seen> {
        self.seen.borrow()
    }
}

fn summary(seen: &Seen) -> String {
    let channels = seen.publications.keys();
    let channels = channels.map(|channel| format!("{channel}: {:?}", seen.texts(channel)));
    channels.collect::<Vec<_>>().join("; ")
}
