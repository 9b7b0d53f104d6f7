//! The configuration, from the environment: `backend --help` lists the variables.

use std::net::SocketAddr;
use std::time::{Duration, UNIX_EPOCH};

use centrifugo_token::{Key, ScheduledKey};
use clap::Parser;

use crate::BoxError;

/// A chat with streamed answers. CENTRIFUGO_URL is the URL of Centrifugo's API, and RUST_LOG the level of the log.
#[derive(Parser)]
pub struct Config {
    /// Print the configuration that Centrifugo needs, and stop
    #[arg(long)]
    pub print_configuration: bool,
    /// The address to listen on
    #[arg(long, env, default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// The origin of the page, from which Centrifugo accepts connections
    #[arg(long, env, default_value = "http://127.0.0.1:3000")]
    pub origin: String,
    /// The URL at which Centrifugo calls this backend
    #[arg(long, env, default_value = "http://127.0.0.1:3000")]
    pub internal_url: String,
    #[arg(long, env, hide_env_values = true)]
    pub database_url: String,
    /// The URL of Centrifugo for browsers
    #[arg(long, env)]
    pub websocket_url: String,
    #[arg(long, env, hide_env_values = true)]
    pub centrifugo_api_key: String,
    /// The secret by which proxy handlers know Centrifugo
    #[arg(long, env, hide_env_values = true)]
    pub proxy_secret: String,
    /// The private keys of tokens, each with the Unix time from which on it signs: `old.pem=0,new.pem=1767225600`
    #[arg(long, env, value_delimiter = ',', value_parser = key, required = true)]
    pub token_keys: Vec<ScheduledKey>,
    #[arg(long, env, value_parser = seconds, default_value = "600")]
    pub token_lifetime_seconds: Duration,
    /// The time after which an answer that nobody reads is stopped: longer than a reload takes
    #[arg(long, env, value_parser = seconds, default_value = "15")]
    pub readers_may_be_away_seconds: Duration,
}

fn key(text: &str) -> Result<ScheduledKey, BoxError> {
    let (path, from) = text.split_once('=').ok_or("its time is missing")?;
    let key = Key::from_pem(std::fs::read(path)?)?;
    Ok(ScheduledKey::new(key).active_from(UNIX_EPOCH + seconds(from)?))
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_secs)
}
