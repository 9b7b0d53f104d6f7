//! The spans and events of `tracing`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Once;

use centrifugo_api::{Client, Coalescing, InfoRequest, PublishRequest, Retry};
use centrifugo_api_testing::{Fault, Server};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument, Level, Metadata, Subscriber, info_span};

use crate::{Outcome, Transport, both_transports};

/// A subscriber that keeps the spans and events of each thread: a test has one thread.
struct Recorder;

thread_local! {
    static RECORDED: RefCell<Recorded> = RefCell::default();
}

/// Installs the subscriber for the process, before any span is made: what was made before may be off for ever.
pub(crate) fn record() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(Recorder).expect("there is no other")
    });
}

fn recorded<T>(read: impl FnOnce(&mut Recorded) -> T) -> T {
    RECORDED.with_borrow_mut(read)
}

/// Returns the spans and events so far, and forgets them.
fn take() -> (Vec<Span>, Vec<(Level, String)>) {
    let recorded = recorded(std::mem::take);
    (recorded.spans, recorded.events)
}

#[derive(Default)]
struct Recorded {
    spans: Vec<Span>,
    entered: Vec<u64>,
    /// The levels and messages of events, with their fields.
    events: Vec<(Level, String)>,
}

#[derive(Clone, Debug, Default)]
struct Span {
    name: &'static str,
    /// The position of the parent among the spans.
    parent: Option<usize>,
    fields: Fields,
    /// The positions of the spans that it follows from.
    follows: Vec<usize>,
}

#[derive(Clone, Debug, Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

fn position(id: &Id) -> usize {
    usize::try_from(id.into_u64()).expect("there are few spans") - 1
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        ["centrifugo_api", "observability"]
            .iter()
            .any(|name| metadata.target().starts_with(name))
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let contextual = recorded(|recorded| recorded.entered.last().copied());
        let parent = match attributes.parent() {
            Some(parent) => Some(parent.into_u64()),
            None if attributes.is_contextual() => contextual,
            None => None,
        };
        let span = Span {
            name: attributes.metadata().name(),
            parent: parent.map(|id| position(&Id::from_u64(id))),
            fields,
            follows: Vec::new(),
        };
        recorded(|recorded| {
            recorded.spans.push(span);
            Id::from_u64(recorded.spans.len() as u64)
        })
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        recorded(|recorded| values.record(&mut recorded.spans[position(span)].fields));
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        recorded(|recorded| {
            recorded.spans[position(span)]
                .follows
                .push(position(follows))
        });
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = *event.metadata().level();
        let text = format!("{:?}", fields.0);
        recorded(|recorded| recorded.events.push((level, text)));
    }

    fn enter(&self, span: &Id) {
        recorded(|recorded| recorded.entered.push(span.into_u64()));
    }

    fn exit(&self, _: &Id) {
        recorded(|recorded| recorded.entered.pop());
    }
}

impl Span {
    #[track_caller]
    fn has(&self, field: &str, value: &str) {
        assert_eq!(
            self.fields.0.get(field).map(|text| &**text),
            Some(value),
            "{field} of {self:?}"
        );
    }
}

const PUBLISH: &str = "centrifugal.centrifugo.api.CentrifugoApi/Publish";

#[tokio::test]
async fn call_that_fails_over_has_spans_of_its_attempts() -> Outcome {
    for (down, builder, transport) in both_transports()? {
        let up = Server::start()?;
        let port = crate::port(&(transport.url)(&up));
        let client = builder.endpoint((transport.url)(&up)).build()?;
        drop(down);
        let publish = client.publish(PublishRequest::new("news", r#"{"secret":1}"#));
        publish.instrument(info_span!("request")).await?;
        let (spans, events) = take();
        let names: Vec<_> = spans.iter().map(|span| (span.name, span.parent)).collect();
        assert_eq!(
            names,
            [
                ("request", None),
                ("call", Some(0)),
                ("attempt", Some(1)),
                ("attempt", Some(1))
            ]
        );
        let [_, call, first, second] = &spans[..] else {
            panic!("there are four spans")
        };
        let system = if transport.is_http {
            "centrifugo"
        } else {
            "grpc"
        };
        for (field, value) in [
            ("otel.name", PUBLISH),
            ("otel.kind", "client"),
            ("rpc.method", PUBLISH),
            ("rpc.system.name", system),
            ("rpc.status_code", "OK"),
            ("server.address", "127.0.0.1"),
            ("centrifugo.commands", "1"),
            ("centrifugo.failed", "0"),
            ("centrifugo.coalesced", "false"),
        ] {
            call.has(field, value);
        }
        assert!(!call.fields.0.contains_key("error.type"), "{call:?}");
        first.has("error.type", "network");
        first.has("otel.status_code", "ERROR");
        second.has("http.request.resend_count", "1");
        second.has("server.port", &port.to_string());
        if transport.is_http {
            second.has("http.request.method", "POST");
            second.has("http.response.status_code", "200");
            second.has("url.full", &format!("http://127.0.0.1:{port}/api/publish"));
        }
        let levels: Vec<_> = events.iter().map(|(level, _)| *level).collect();
        assert_eq!(levels, [Level::INFO, Level::DEBUG], "{events:?}");
        assert!(!format!("{spans:?} {events:?}").contains("secret"));
    }
    Ok(())
}

#[tokio::test]
async fn failed_call_is_an_error_and_a_warning() -> Outcome {
    for (server, builder, _) in both_transports()? {
        let client = builder.retry(Retry::none()).build()?;
        server.fail_next(1, Fault::api_error(111))?;
        client.info(InfoRequest::new()).await.unwrap_err();
        let (spans, events) = take();
        for span in spans {
            span.has("error.type", "centrifugo.111");
            span.has("otel.status_code", "ERROR");
        }
        let levels: Vec<_> = events.iter().map(|(level, _)| *level).collect();
        assert_eq!(levels, [Level::DEBUG, Level::WARN], "{events:?}");
    }
    Ok(())
}

#[tokio::test]
async fn shared_batch_and_its_calls_are_linked_both_ways() -> Outcome {
    for (_server, builder, _) in both_transports()? {
        let client = builder
            .build()?
            .coalescing(Coalescing::default().max_batches(1));
        let publish = || client.publish(PublishRequest::new("chat:news", "{}"));
        let (first, second) = tokio::join!(publish(), publish());
        first?;
        second?;
        let (spans, _) = take();
        let names: Vec<_> = spans.iter().map(|span| (span.name, span.parent)).collect();
        assert_eq!(
            names,
            [
                ("call", None),
                ("call", None),
                ("shared_batch", None),
                ("attempt", Some(2))
            ]
        );
        assert_eq!(
            (&spans[2].follows, &spans[0].follows),
            (&vec![0, 1], &vec![2])
        );
        spans[0].has("centrifugo.coalesced", "true");
        spans[0].has("centrifugo.namespace", "chat");
        spans[2].has("centrifugo.commands", "2");
    }
    Ok(())
}

#[tokio::test]
async fn secret_that_comes_back_is_in_no_span() -> Outcome {
    for (server, builder, Transport { unavailable, .. }) in both_transports()? {
        let key = server.api_key().to_owned();
        let client: Client = builder.build()?.with_header("X-Token", "tenant-token")?;
        let message = format!("key={key} token=tenant-token");
        server.fail_next(3, Fault::status(unavailable).message(&message))?;
        client.info(InfoRequest::new()).await.unwrap_err();
        let seen = format!("{:?}", take());
        assert!(seen.contains("key=[secret] token=[secret]"), "{seen}");
        assert!(!seen.contains("tenant-token"), "{seen}");
        assert!(!seen.contains(&format!("key={key}")), "{seen}");
    }
    Ok(())
}
