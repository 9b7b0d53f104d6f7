//! The clients and channels of the checks, and their common parts.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::hash::{BuildHasher as _, RandomState};

use cent::{
    Client, Config, Error, HistoryRequest, HistoryResult, Publication, PublishRequest,
    PublishResult, RawValue,
};

pub type Failure = Box<dyn StdError + Send + Sync>;
pub type Outcome = Result<(), Failure>;

#[derive(Clone)]
pub struct Peer {
    pub client: Client,
    /// Requests the server's transport error mode, in which errors must be the same.
    pub transport_mode: Client,
    pub url: String,
    pub key: String,
    pub run: String,
}

impl Peer {
    pub fn from_env() -> Result<Self, Failure> {
        let variable = |name| std::env::var(name).map_err(|_| format!("set {name}"));
        let url = variable("CENTRIFUGO_URL")?;
        let key = variable("CENTRIFUGO_API_KEY")?;
        let config = Config::new(&url).api_key(&key);
        Ok(Self {
            client: Client::new(config.clone())?,
            transport_mode: Client::new(config.header("X-Centrifugo-Error-Mode", "transport"))?,
            url,
            key,
            run: format!("{:016x}", RandomState::new().hash_one(std::process::id())),
        })
    }

    pub fn config(&self) -> Config {
        Config::new(&self.url).api_key(&self.key)
    }

    /// Returns a channel with history and presence that no other run uses.
    pub fn channel(&self, name: &str) -> String {
        self.channel_of("plain", name)
    }

    pub fn channel_of(&self, namespace: &str, name: &str) -> String {
        format!("{namespace}:{name}-rust-{}", self.run)
    }

    pub async fn publish(&self, channel: &str, data: &str) -> Result<PublishResult, Error> {
        self.client
            .publish(PublishRequest::new(channel).data(raw(data)))
            .await
    }

    /// Publishes numbers from 1, and returns the last result.
    pub async fn publish_numbers(
        &self,
        channel: &str,
        numbers: u64,
    ) -> Result<PublishResult, Error> {
        let mut last = PublishResult::default();
        for number in 1..=numbers {
            last = self.publish(channel, &number.to_string()).await?;
        }
        Ok(last)
    }

    pub async fn history(&self, channel: &str) -> Result<HistoryResult, Error> {
        self.client
            .history(HistoryRequest::new(channel).limit(-1))
            .await
    }

    pub async fn data(&self, channel: &str) -> Result<Vec<String>, Error> {
        Ok(self
            .history(channel)
            .await?
            .publications
            .iter()
            .map(text)
            .collect())
    }
}

pub fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("payloads of the checks are JSON")
}

pub fn text(publication: &Publication) -> String {
    publication
        .data
        .as_ref()
        .expect("a publication has data")
        .get()
        .to_owned()
}

pub fn offsets(result: &HistoryResult) -> Vec<u64> {
    result
        .publications
        .iter()
        .map(|publication| publication.offset)
        .collect()
}

/// Returns the code and the message of an API error.
#[track_caller]
pub fn api_error<T: Debug>(result: Result<T, Error>) -> (u32, String) {
    match result {
        Err(Error::Api(error)) => (error.code, error.message),
        other => panic!("expected an API error, not {other:?}"),
    }
}

#[track_caller]
pub fn code<T: Debug>(result: Result<T, Error>) -> u32 {
    api_error(result).0
}

/// Returns the status and the body of a reply that is not an API error.
#[track_caller]
pub fn http_error<T: Debug>(result: Result<T, Error>) -> (u16, String) {
    match result {
        Err(Error::Http(error)) => (
            error.status.as_u16(),
            String::from_utf8_lossy(&error.body).into_owned(),
        ),
        other => panic!("expected an HTTP status, not {other:?}"),
    }
}
