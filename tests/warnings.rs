//! Warnings by `tracing`. They need their own process because each is given once per process.
#![cfg(all(feature = "http", feature = "grpc"))]

use std::sync::{Arc, Mutex};

use centrifugo_api::Client;
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
        warning.contains("the API key is sent unencrypted"),
        "{warning}"
    );
    assert!(
        warning.contains("grpc://centrifugo.example:10000") && !warning.contains("hunter22"),
        "{warning}"
    );
}
