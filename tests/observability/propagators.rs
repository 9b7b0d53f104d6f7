//! Propagators that write what they should not change nothing of a call.

use centrifugo_api::{InfoRequest, Retry};
use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry_sdk::trace::Sampler;

use crate::traces::{ALL_TARGETS, Traces, header, propagate};
use crate::{Outcome, both_transports};

/// A propagator that writes what it should not, and may panic then.
#[derive(Debug)]
struct Odd {
    panics: bool,
}

impl TextMapPropagator for Odd {
    fn inject_context(&self, _: &Context, injector: &mut dyn Injector) {
        for (name, value) in [
            ("bad name", "1"),
            ("", "1"),
            ("x-line", "a\nb"),
            ("x-text", "ä"),
            ("x-empty", ""),
            ("Content-Type", "text/plain"),
            ("X-API-Key", "wrong"),
            ("Authorization", "apikey wrong"),
            ("Host", "example.com"),
            ("X-Trace", "good"),
        ] {
            injector.set(name, value.to_owned());
        }
        assert!(!self.panics, "a panic in a propagator");
    }

    fn extract_with_context(&self, context: &Context, _: &dyn Extractor) -> Context {
        context.clone()
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&[])
    }
}

#[tokio::test]
async fn odd_propagator_changes_nothing_of_a_call() -> Outcome {
    for panics in [false, true] {
        propagate(Odd { panics });
        for (server, builder, transport) in both_transports()? {
            let client = builder.retry(Retry::none()).build()?;
            let traces = Traces::new(Sampler::AlwaysOn);
            let guard = traces.subscribe(&ALL_TARGETS);
            client.info(InfoRequest::new()).await?;
            drop(guard);
            // The spans are those of any call.
            assert_eq!(traces.take().len(), 2);
            let requests = server.take_requests();
            let expected = if panics { "" } else { "good" };
            assert_eq!(header(&requests[0], "x-trace"), expected);
            for name in ["x-line", "x-text", "x-empty"] {
                assert!(!requests[0].headers.contains_key(name), "{name}");
            }
            let content_type = if transport.is_http {
                "application/json"
            } else {
                "application/grpc"
            };
            assert_eq!(header(&requests[0], "content-type"), content_type);
        }
    }
    Ok(())
}
