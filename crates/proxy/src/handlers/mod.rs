//! Handlers: the functions of the backend, one per event.

mod call;
mod panic;
mod table;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;

#[cfg(feature = "grpc")]
pub(crate) use call::Begun;
#[cfg(any(feature = "grpc", feature = "http"))]
pub(crate) use call::{Work, begin};
#[cfg(feature = "grpc")]
pub(crate) use panic::Caught;
pub(crate) use panic::{catch_panic, drop_caught};
pub(crate) use table::BoxStream;
#[allow(unreachable_pub)] // As in `table`.
pub use table::{Answer, BoxFuture, Handler, Table};

use crate::caller::Caller;
use crate::event::{
    CacheEmptyEvent, ChannelStateEvent, ConnectEvent, EventKind, MapPublishEvent, MapRemoveEvent,
    PublishEvent, RefreshEvent, RpcEvent, SharedPollRefreshEvent, SubRefreshEvent, SubscribeEvent,
};
use crate::observe::{self, FailedEvent, Observer, Observers, OnFailure};
use crate::reject::{ErrorReject, Failed, Reject};
use crate::reply::{
    CacheEmptyReply, ChannelStateReply, ConnectReply, MapPublishReply, MapRemoveReply,
    PublishReply, RefreshReply, RpcReply, SharedPollRefreshReply, StreamSubscribeReply,
    SubRefreshReply, SubscribeReply,
};
use crate::stream::{ClientPublications, StreamPublication};

/// The timeout by default: below Centrifugo's, which is 1 s, so that the failure is known here too.
const TIMEOUT: Duration = Duration::from_millis(900);

/// The limit of bodies by default, in bytes.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// The handlers of a backend, one function per event.
///
/// A function gets an [`Event`](crate::Event) and returns a reply, or refuses. `?` turns any error into
/// [`Reject::Failed`], after which the client gets error 100 and [`on_failure`](Self::on_failure) the cause. A clone has the
/// handlers of that moment: register them before.
///
/// ```
/// use centrifugo_proxy::{
///     Caller, ClientError, ConnectEvent, ConnectReply, Disconnect, Handlers, Reject, RpcReply, SubscribeReply,
/// };
///
/// const UNKNOWN: Disconnect = Disconnect::constant(4501, "unknown session");
/// const NO_METHOD: ClientError = ClientError::constant(404, "no such method");
///
/// async fn connect(event: ConnectEvent) -> Result<ConnectReply, Reject> {
///     // The session's cookie arrives with `http_headers: [cookie]`.
///     let session = event.header("cookie").ok_or(UNKNOWN)?;
///     Ok(ConnectReply::user(session).channel("news"))
/// }
///
/// # fn main() -> Result<(), centrifugo_proxy::Error> {
/// let handlers = Handlers::new(Caller::with_secret("s3cret")?)
///     .connect(connect)
///     .subscribe(|event| async move {
///         println!("{:?} subscribes to {}", event.user(), event.channel());
///         Ok(SubscribeReply::allow())
///     })
///     .rpc(|event| async move {
///         match event.method() {
///             "echo" => Ok(RpcReply::new(event.data().clone())),
///             _ => Err(NO_METHOD.into()),
///         }
///     });
/// # let _ = handlers;
/// # Ok(()) }
/// ```
///
/// The functions capture the state of the application. Each has a clone, and each event a clone of that:
///
/// ```
/// use std::sync::Arc;
///
/// use centrifugo_proxy::{Caller, ConnectEvent, ConnectReply, Handlers, Reject, RpcEvent, RpcReply};
///
/// struct App; // with a pool of connections to a database
///
/// impl App {
///     async fn connect(self: Arc<Self>, event: ConnectEvent) -> Result<ConnectReply, Reject> {
///         Ok(ConnectReply::user(event.name()))
///     }
///
///     async fn rpc(self: Arc<Self>, _: RpcEvent) -> Result<RpcReply, Reject> {
///         Ok(RpcReply::empty())
///     }
/// }
///
/// let app = Arc::new(App);
/// let handlers = Handlers::new(Caller::anyone())
///     .connect({ let app = app.clone(); move |event| app.clone().connect(event) })
///     .rpc(move |event| app.clone().rpc(event));
/// # let _ = handlers;
/// ```
#[derive(Clone)]
#[must_use]
pub struct Handlers(Arc<Parts>);

#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) table: Table,
    pub(crate) caller: Caller,
    pub(crate) observers: Observers,
    pub(crate) timeout: Duration,
    pub(crate) body_limit: usize,
}

/// Adds a function that registers a handler.
macro_rules! registrations {
    ($($(#[$doc:meta])* $name:ident($event:ident) -> Result<$reply:ident, $reject:ident>;)+) => {
        impl Handlers {$(
            $(#[$doc])*
            ///
            /// A second handler takes the place of the first.
            pub fn $name<F, R>(self, handler: F) -> Self
            where
                F: Fn($event) -> R + Send + Sync + 'static,
                R: Future<Output = Result<$reply, $reject>> + Send + 'static,
            {
                self.with(|parts| parts.table.$name = Some(table::handler(handler)))
            }
        )+}
    };
}

impl Handlers {
    /// Creates handlers without any function, for callers that show what `caller` asks for.
    pub fn new(caller: Caller) -> Self {
        Self(Arc::new(Parts {
            table: Table::default(),
            caller,
            observers: observe::built_in(),
            timeout: TIMEOUT,
            body_limit: BODY_LIMIT,
        }))
    }

    /// Sets how long reading the body and the handler may take together; 900 ms by default.
    ///
    /// Set it below the `timeout` of Centrifugo's proxy, which is 1 s by default. A handler that takes longer is dropped; a
    /// stream has to be opened in this time.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|parts| parts.timeout = timeout)
    }

    /// Sets how large a request may be, in bytes; 4 MiB by default.
    pub fn body_limit(self, bytes: usize) -> Self {
        self.with(|parts| parts.body_limit = bytes)
    }

    /// Adds an observer.
    pub fn observer(self, observer: impl Observer) -> Self {
        self.with(|parts| parts.observers.push(Arc::new(observer)))
    }

    /// Adds a function that sees all failures: errors and panics of handlers, requests that are refused, streams that fail.
    ///
    /// Centrifugo gets a status without the failure's text. The text of a [`FailedEvent`] is a line for your log, such as
    /// `rpc "echo" of user 42: the handler failed: database is down`.
    ///
    /// ```
    /// # use centrifugo_proxy::{Caller, Handlers};
    /// let handlers = Handlers::new(Caller::anyone()).on_failure(|failed| eprintln!("{failed}"));
    /// # let _ = handlers;
    /// ```
    pub fn on_failure(self, function: impl Fn(&FailedEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observer(OnFailure(Arc::new(function)))
    }

    /// Returns the kinds of events that have handlers.
    pub fn kinds(&self) -> impl Iterator<Item = EventKind> + '_ {
        let kinds = EventKind::ALL.iter().copied();
        kinds.filter(|kind| self.0.table.has(*kind))
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0
    }

    fn with(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

registrations! {
    /// Registers the handler of clients that connect without a token: `client.proxy.connect`.
    connect(ConnectEvent) -> Result<ConnectReply, Reject>;

    /// Registers the handler of connections that are about to expire: `client.proxy.refresh`.
    ///
    /// Centrifugo then asks it about all connections, including those with tokens, whose clients no longer learn when the token
    /// expires. Leave it out if connections are to live as long as their tokens.
    refresh(RefreshEvent) -> Result<RefreshReply, Failed>;

    /// Registers the handler of clients that subscribe: `channel.proxy.subscribe`, and `subscribe_proxy_enabled` of the
    /// namespace.
    subscribe(SubscribeEvent) -> Result<SubscribeReply, Reject>;

    /// Registers the handler of clients that publish: `channel.proxy.publish`, and `publish_proxy_enabled` of the namespace.
    publish(PublishEvent) -> Result<PublishReply, Reject>;

    /// Registers the handler of clients that call a method: `rpc.proxy`, and `proxy_enabled` of the method's namespace.
    rpc(RpcEvent) -> Result<RpcReply, Reject>;

    /// Registers the handler of subscriptions that are about to expire: `channel.proxy.sub_refresh`, and
    /// `sub_refresh_proxy_enabled` of the namespace.
    ///
    /// As with [`refresh`](Self::refresh), subscriptions with tokens are among them.
    sub_refresh(SubRefreshEvent) -> Result<SubRefreshReply, Failed>;

    /// Registers the handler of clients that set a key of a map channel: `channel.proxy.map_publish`, and
    /// `map.publish_proxy_enabled` of the namespace. Since Centrifugo 6.9.
    map_publish(MapPublishEvent) -> Result<MapPublishReply, Reject>;

    /// Registers the handler of clients that remove a key of a map channel: `channel.proxy.map_remove`, and
    /// `map.remove_proxy_enabled` of the namespace. Since Centrifugo 6.9.
    map_remove(MapRemoveEvent) -> Result<MapRemoveReply, Reject>;

    /// Registers the handler of shared polls: `channel.proxy.shared_poll_refresh`. Since Centrifugo 6.9.
    ///
    /// After an error or a failure Centrifugo asks again in the next cycle.
    shared_poll_refresh(SharedPollRefreshEvent) -> Result<SharedPollRefreshReply, ErrorReject>;

    /// Registers the handler of channels whose cache is empty: `channel.proxy.cache_empty`. Centrifugo PRO.
    ///
    /// After a failure the client may not subscribe.
    cache_empty(CacheEmptyEvent) -> Result<CacheEmptyReply, Failed>;

    /// Registers the handler of channels that became occupied or vacated: `channel.proxy.state`. Centrifugo PRO.
    ///
    /// After an error or a failure Centrifugo sends the same events again, 100 ms to 20 s later.
    channel_state(ChannelStateEvent) -> Result<ChannelStateReply, ErrorReject>;
}

/// # Streams
///
/// A subscription gets its publications from a stream of the backend: `channel.proxy.subscribe_stream`, and
/// `subscribe_stream_proxy_enabled` of the namespace. Only over gRPC: one HTTP/2 stream per subscription, so raise the
/// server's limit of concurrent streams.
///
/// The stream is polled when Centrifugo has room for more. At its end the client is unsubscribed for good, with code 2000.
/// After an error of the stream the client is unsubscribed with code 2500, and subscribes again. [`Failed::subscribe_again`] and
/// [`stream_until`](crate::stream_until) do the same, and observers see no failure. If the client goes away, the stream is dropped.
impl Handlers {
    /// Registers the handler of clients that subscribe to a channel with a stream.
    ///
    /// ```
    /// use centrifugo_proxy::{Caller, Handlers, StreamPublication, StreamSubscribeReply};
    /// use futures_util::stream;
    ///
    /// let handlers = Handlers::new(Caller::anyone()).subscribe_unidirectional(|event| async move {
    ///     let publications = ["1", "2", "3"].map(|data| Ok(StreamPublication::new(data)));
    ///     Ok((StreamSubscribeReply::allow(), stream::iter(publications)))
    /// });
    /// # let _ = handlers;
    /// ```
    pub fn subscribe_unidirectional<F, R, S>(self, handler: F) -> Self
    where
        F: Fn(SubscribeEvent) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(StreamSubscribeReply, S), Reject>> + Send + 'static,
        S: Stream<Item = Result<StreamPublication, Failed>> + Send + 'static,
    {
        let handler = table::stream_handler(move |event, _| handler(event));
        self.with(|parts| parts.table.subscribe_unidirectional = Some(handler))
    }

    /// Registers the handler of clients that subscribe to a channel with a stream, into which they publish too:
    /// `subscribe_stream_proxy_bidirectional` of the namespace.
    pub fn subscribe_bidirectional<F, R, S>(self, handler: F) -> Self
    where
        F: Fn(SubscribeEvent, ClientPublications) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(StreamSubscribeReply, S), Reject>> + Send + 'static,
        S: Stream<Item = Result<StreamPublication, Failed>> + Send + 'static,
    {
        let handler = table::stream_handler(handler);
        self.with(|parts| parts.table.subscribe_bidirectional = Some(handler))
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.kinds().map(EventKind::name).collect();
        formatter
            .debug_struct("Handlers")
            .field("kinds", &kinds)
            .field("caller", &self.0.caller)
            .finish_non_exhaustive()
    }
}
