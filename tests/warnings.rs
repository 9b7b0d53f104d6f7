//! Warnings by `tracing`. They need their own process because some are given once per process.
#![cfg(all(feature = "_http", feature = "grpc"))]

use std::sync::{Arc, Mutex};

use centrifugo_api::{BlockUserRequest, Client, UnblockUserRequest};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Collects the warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        self.0
            .lock()
            .expect("no test panics while it holds the lock")
            .push(text.0);
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}
    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
    fn enter(&self, _span: &Id) {}
    fn exit(&self, _span: &Id) {}
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!("{field}: {value:?}; ");
    }
}

#[test]
fn unencrypted_key_is_warned_about_once() {
    let warnings = Warnings::default();
    tracing::subscriber::with_default(warnings.clone(), || {
        let build = |url: &str| {
            Client::builder(url)
                .api_key("hunter22")
                .build()
                .expect("the configuration is valid")
        };
        build("http://localhost:8000/api");
        build("grpc://127.0.0.1:10000");
        Client::builder("http://centrifugo.example/api")
            .build()
            .expect("the configuration is valid");
        if cfg!(feature = "tls") {
            build("https://centrifugo.example/api");
        }
        assert!(
            warnings
                .0
                .lock()
                .expect("no test panics while it holds the lock")
                .is_empty()
        );
        build("grpc://centrifugo.example:10000");
        build("http://centrifugo.example/api");
    });
    let warnings = warnings
        .0
        .lock()
        .expect("no test panics while it holds the lock");
    let [warning] = &warnings[..] else {
        panic!("{warnings:?}")
    };
    assert!(
        warning.contains("the API key or token is sent unencrypted"),
        "{warning}"
    );
    assert!(
        warning.contains("grpc://centrifugo.example:10000") && !warning.contains("hunter22"),
        "{warning}"
    );
}

#[test]
fn missing_method_is_warned_about_once_per_client() -> Result<(), Box<dyn std::error::Error>> {
    let server = centrifugo_api_testing::Server::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for client in [server.client(), server.grpc_client()] {
        let warnings = Warnings::default();
        tracing::subscriber::with_default(warnings.clone(), || {
            runtime.block_on(async {
                for client in [&client, &client.clone()] {
                    let call = client.block_user(BlockUserRequest::new("alice"));
                    assert!(call.await.is_err_and(|error| error.is_unsupported()));
                }
                let call = client.unblock_user(UnblockUserRequest::new("alice"));
                assert!(call.await.is_err_and(|error| error.is_unsupported()));
            });
        });
        let warnings = warnings
            .0
            .lock()
            .expect("no test panics while it holds the lock");
        // With the feature `tracing` each failed call is a warning too.
        let of_methods = warnings
            .iter()
            .filter(|warning| warning.contains("once per method"));
        let [block, unblock] = of_methods.collect::<Vec<_>>()[..] else {
            panic!("{warnings:?}")
        };
        for (warning, method) in [(block, "block_user"), (unblock, "unblock_user")] {
            assert!(
                warning.contains(&format!("method: \"{method}\"")),
                "{warning}"
            );
            assert!(warning.contains("it is not Centrifugo PRO"), "{warning}");
        }
    }
    Ok(())
}

#[cfg(feature = "opentelemetry")]
#[test]
fn missing_propagator_is_warned_about_once() -> Result<(), Box<dyn std::error::Error>> {
    use centrifugo_api::InfoRequest;
    use opentelemetry::Context;
    use opentelemetry::trace::{
        FutureExt as _, SpanContext, TraceContextExt as _, TraceFlags, TraceState,
    };

    let server = centrifugo_api_testing::Server::start()?;
    let client = server.client_builder().build()?;
    let (trace, span) = (0x12_u128.into(), 0x34_u64.into());
    let state = TraceState::default();
    let span = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, state);
    let context = Context::new().with_remote_span_context(span);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let warnings = Warnings::default();
    tracing::subscriber::with_default(warnings.clone(), || {
        for _ in 0..2 {
            let call = client.info(InfoRequest::new());
            runtime.block_on(call.with_context(context.clone()))?;
        }
        Ok::<_, centrifugo_api::Error>(())
    })?;
    let warnings = warnings
        .0
        .lock()
        .expect("no test panics while it holds the lock");
    let [warning] = &warnings[..] else {
        panic!("{warnings:?}")
    };
    assert!(warning.contains("set_text_map_propagator"), "{warning}");
    for request in server.take_requests() {
        assert!(!request.headers.contains_key("traceparent"));
    }
    Ok(())
}
