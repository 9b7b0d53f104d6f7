//! Clients that connect: the connect proxy.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use centrifugo_api::Error;
use centrifugo_proxy::EventKind;
use centrifugo_proxy::messages::{ConnectRequest, ConnectResult};

use super::asker::{Asker, protocol, request_of};
use super::client::{ConnectingClient, ProxiedConnection, ended};
use super::refusal::{Refusal, accepted};
use super::subscribe::{decoded, overrides};
use crate::connection::User;
use crate::engine::{Admission, Engine, LONGEST_TTL, Offer, seen_by_client};
use crate::server::Server;
use crate::state::connections::session::ClientHeaders;
use crate::state::connections::{BAD_REQUEST, INAPPROPRIATE_PROTOCOL, Source};
use crate::state::random;

/// # Proxies
impl Server {
    /// Connects a client that needs a token, or that the connect proxy must know.
    ///
    /// The server subscribes the client to the channels of the token, or of the proxy's answer, each with an
    /// [`Event::Subscribed`](crate::Event::Subscribed).
    ///
    /// An expired connection ends with code 3005 after 25 s more, unless the client
    /// [refreshes](ProxiedConnection) it. If there is a refresh proxy, it is asked as soon as the connection expires;
    /// [`advance`](Self::advance) moves the time, and [`refreshed`](Self::refreshed) waits for the answer.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code that the client gets, which from 3000 is the code with which the connection ends: 102 for a
    /// channel of an unknown namespace; 109 for an expired token; 110 if the connection would have expired; 3500 for an invalid
    /// token; 3501 for a client that is not known, and for a [channel](ConnectingClient::channels) of an unknown namespace;
    /// 3505 for more than 128 channels; 100 after a failure of the backend; and what the connect proxy answers. The
    /// others are those of [`subscribe`](ProxiedConnection::subscribe).
    pub async fn connect_client(
        &self,
        client: ConnectingClient,
    ) -> Result<ProxiedConnection, Error> {
        let connected = self.engine.connect_client(client).await;
        connected.map_err(|refusal| match refusal {
            Refusal::Error(error) => error.into(),
            Refusal::Disconnect { code, reason } => ended(seen_by_client(code, &reason)),
            Refusal::Misconfigured(problem) => Error::Config(problem),
            Refusal::Known(error) => error,
        })
    }
}

impl Engine {
    async fn connect_client(
        self: &Arc<Self>,
        client: ConnectingClient,
    ) -> Result<ProxiedConnection, Refusal> {
        let (transport, emulated) = client.header_maps().map_err(Refusal::Known)?;
        let headers = Arc::new(ClientHeaders {
            transport,
            emulated,
        });
        let (mut admission, data) = self.admission_of(&client, &headers).await?;
        if !client.is_protobuf && !admission.is_json(&data) {
            return Err(INAPPROPRIATE_PROTOCOL.into());
        }
        admission.user = admission.user.with_protocol(client.is_protobuf);
        admission.headers = headers;
        let is_by_client = !self.has_refresh_proxy();
        let expires = Some(admission.expires).filter(|expires| *expires > 0 && is_by_client);
        let expires_in = expires.map(|expires| self.time_until(expires));
        let connection = self.admit(admission)?;
        Ok(ProxiedConnection::new(connection, data, expires_in))
    }

    /// Returns how the server lets in a client, and the data for it: by its token, by the connect proxy, or as an anonymous
    /// user.
    async fn admission_of(
        &self,
        client: &ConnectingClient,
        headers: &Arc<ClientHeaders>,
    ) -> Result<(Admission, Bytes), Refusal> {
        let id = random::uuid();
        let mut admission = if !client.token.is_empty() {
            self.admission_by_token(&client.token)?
        } else if let Some(answered) = self.ask_connect(&id, client, headers).await? {
            return Ok(answered);
        } else if self.proxies.allow_anonymous {
            // The client has the id that the backend knows.
            Admission {
                id,
                ..Admission::default()
            }
        } else {
            return Err(BAD_REQUEST.into());
        };
        self.add_channels(&mut admission, &client.channels)?;
        Ok((admission, Bytes::new()))
    }

    /// Asks the connect proxy about the client with an id. Returns the client and the data for it; `None` if the proxy does not know the client, or is not
    /// asked.
    async fn ask_connect(
        &self,
        id: &str,
        client: &ConnectingClient,
        headers: &Arc<ClientHeaders>,
    ) -> Result<Option<(Admission, Bytes)>, Refusal> {
        let Some(proxy) = self.proxies.defaults.get(&EventKind::Connect) else {
            return Ok(None);
        };
        let asker = Asker {
            client: id.to_owned(),
            user: String::new(),
            protocol: protocol(client.is_protobuf),
            meta: Bytes::new(),
            headers: Arc::clone(headers),
            lifetime: None,
        };
        let mut request = request_of!(ConnectRequest, asker, proxy);
        (request.data, request.b64data) = proxy.twins(client.data.clone());
        request.name.clone_from(&client.name);
        request.version.clone_from(&client.version);
        request.channels.clone_from(&client.channels);
        let answer = self.ask(proxy, request, &asker).await;
        let response = accepted::<ConnectRequest>(answer, &proxy.options)?;
        let Some(result) = response.result else {
            return Ok(None);
        };
        let data = decoded(&result.data, &result.b64data)?;
        Ok(Some((self.admission_by_proxy(asker.client, result)?, data)))
    }

    fn admission_by_proxy(&self, id: String, result: ConnectResult) -> Result<Admission, Refusal> {
        let info = decoded(&result.info, &result.b64info)?;
        let latest = self.clock.seconds().saturating_add(LONGEST_TTL);
        let mut subscriptions = BTreeMap::new();
        for channel in result.channels {
            self.channel_options(&channel)?;
            let offer = Offer {
                source: Source::Connect,
                ..Offer::default()
            };
            subscriptions.insert(channel, offer);
        }
        for (channel, options) in result.subs {
            self.channel_options(&channel)?;
            let offer = Offer {
                info: decoded(&options.info, &options.b64info)?,
                data: decoded(&options.data, &options.b64data)?,
                overrides: overrides(options.r#override),
                cache_recover: options.cache_recover,
                source: Source::Connect,
                ..Offer::default()
            };
            subscriptions.insert(channel, offer);
        }
        subscriptions.remove("");
        Ok(Admission {
            user: User::new(result.user).info(info),
            id,
            expires: result.expire_at.min(latest),
            subscriptions: subscriptions.into_iter().collect(),
            meta: result.meta,
            ..Admission::default()
        })
    }

    /// Adds the channels that a client wants, and to which it may subscribe by itself.
    fn add_channels(&self, admission: &mut Admission, channels: &[String]) -> Result<(), Refusal> {
        for channel in channels {
            let Some(options) = self.namespaces.options_of(channel) else {
                return Err(BAD_REQUEST.into());
            };
            let clients = &options.clients;
            let may_subscribe = !channel.starts_with('$')
                && channel.is_ascii()
                && clients.subscribe_proxy.is_none()
                && clients.subscribe.allows(admission.user.name(), false);
            let is_there = admission
                .subscriptions
                .iter()
                .any(|(other, _)| other == channel);
            if may_subscribe && !is_there {
                let offer = Offer {
                    source: Source::Connect,
                    ..Offer::default()
                };
                admission.subscriptions.push((channel.clone(), offer));
            }
        }
        Ok(())
    }

    #[cfg(feature = "_token")]
    fn admission_by_token(&self, token: &str) -> Result<Admission, Refusal> {
        self.admission(token).map_err(Refusal::Known)
    }

    #[cfg(not(feature = "_token"))]
    #[allow(clippy::unused_self)] // As with tokens.
    fn admission_by_token(&self, _: &str) -> Result<Admission, Refusal> {
        Err(super::subscribe::no_tokens())
    }
}
