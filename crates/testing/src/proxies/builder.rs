//! The options of a server that make it ask proxies.

use centrifugo_proxy::{EventKind, Handlers};

use super::options::ProxyOptions;
use super::settings::CodeBackend;
use crate::builder::ServerBuilder;

/// # Proxies
///
/// They are asked about the clients of [`connect_client`](crate::Server::connect_client), and about all connections that
/// expire.
impl ServerBuilder {
    /// Asks these handlers, in process.
    ///
    /// Without a [`configuration`](Self::configuration) they are asked about all events that have a handler: about methods
    /// without a namespace, and about the channels of namespaces that enable the event's proxy. If no namespace is added, all
    /// channels without a namespace enable the proxies `subscribe`, `publish` and `sub_refresh` that have handlers.
    ///
    /// With a configuration they take the place of all its backends: it says what is asked, and how.
    ///
    /// ```
    /// use centrifugo_api_testing::{ConnectingClient, Namespace, Server};
    /// use centrifugo_proxy::{Caller, ClientError, ConnectReply, Handlers, SubscribeReply};
    ///
    /// const NOT_A_MEMBER: ClientError = ClientError::constant(403, "not a member");
    ///
    /// # async fn test() -> Result<(), Box<dyn std::error::Error>> {
    /// let handlers = Handlers::new(Caller::anyone())
    ///     .connect(|event| async move { Ok(ConnectReply::user(event.json::<String>()?)) })
    ///     .subscribe(|event| async move {
    ///         let owner = event.channel().trim_start_matches("room:");
    ///         if event.user() == Some(owner) { Ok(SubscribeReply::allow()) } else { Err(NOT_A_MEMBER.into()) }
    ///     });
    /// let room = Namespace::new("room").subscribe_proxy_enabled(true);
    /// let server = Server::builder().proxy(&handlers).namespace(room).start()?;
    ///
    /// let anna = server.connect_client(ConnectingClient::new().data(r#""anna""#)).await?;
    /// anna.subscribe("room:anna").await?;
    /// let error = anna.subscribe("room:bert").await.unwrap_err();
    /// assert_eq!(error.api_code(), Some(403));
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test()).unwrap();
    /// ```
    ///
    /// The caller is not checked. As over HTTP, a handler's failure counts as a status; payloads of any bytes arrive, as over
    /// gRPC.
    pub fn proxy(mut self, handlers: &Handlers) -> Self {
        self.proxies.backend = Some(CodeBackend::Handlers(handlers.clone()));
        self
    }

    /// Asks a backend at this URL about events of these kinds, in place of [`proxy`](Self::proxy).
    ///
    /// Below a URL of `http://`, each event has its name: `subscribe` of `http://127.0.0.1:3000/centrifugo` is at
    /// `http://127.0.0.1:3000/centrifugo/subscribe`. A URL of `grpc://` is an address with a port; it needs the feature `grpc`, and
    /// streams need it. The server does not start with another URL.
    ///
    /// The backend does not know of [`advance`](crate::Server::advance): its times are those of its machine.
    pub fn proxy_url(
        mut self,
        url: impl Into<String>,
        kinds: impl IntoIterator<Item = EventKind>,
    ) -> Self {
        self.proxies.backend = Some(CodeBackend::Url {
            url: url.into(),
            kinds: kinds.into_iter().collect(),
        });
        self
    }

    /// Sets the options of all proxies; they win over those of a [`configuration`](Self::configuration).
    pub fn proxy_options(mut self, options: ProxyOptions) -> Self {
        self.proxies.options = Some(options);
        self
    }

    /// Asks the rpc proxy about the methods of this namespace, whose names begin with its name and `:`.
    pub fn rpc_namespace(mut self, name: impl Into<String>) -> Self {
        self.proxies.rpc_namespaces.push(name.into());
        self
    }

    /// Lets clients in as anonymous users that neither have a token nor are known to the connect proxy.
    pub fn allow_anonymous_connect_without_token(mut self, on: bool) -> Self {
        self.proxies.allow_anonymous = Some(on);
        self
    }
}
