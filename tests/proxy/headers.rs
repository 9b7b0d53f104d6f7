//! Headers that the server passes on: of the client's request, of those that the client's SDK emulates, and its own.

use centrifugo_proxy::EventKind;

use crate::Outcome;
use crate::harness::{Case, Column, Connecting, Environment, Headers, Row, play};

in_each_column!(headers_are_passed_on);
in_own_columns!(secret_that_clients_can_set_is_refused);

/// The headers of a client: those of its request, and those that its SDK emulates.
struct OfClient {
    transport: Headers,
    emulated: Headers,
}

/// Over this proxy, the request may set `x-transport` and `x-both`, and the SDK `x-emulated` and `x-both`.
const ROWS: &[Row<OfClient>] = &[
    Row {
        name: "none",
        answer: OfClient {
            transport: &[],
            emulated: &[],
        },
        seen: &["x-static: configured", "x-transport: configured"],
    },
    Row {
        name: "of the request, in place of a configured one",
        answer: OfClient {
            transport: &[("x-transport", "1")],
            emulated: &[],
        },
        seen: &["x-static: configured", "x-transport: 1"],
    },
    Row {
        name: "of the request, which the configuration does not name",
        answer: OfClient {
            transport: &[("x-static", "1"), ("x-emulated", "2")],
            emulated: &[],
        },
        seen: &["x-static: configured", "x-transport: configured"],
    },
    Row {
        name: "emulated",
        answer: OfClient {
            transport: &[],
            emulated: &[("x-emulated", "1"), ("x-both", "2")],
        },
        seen: &[
            "x-both: 2",
            "x-emulated: 1",
            "x-static: configured",
            "x-transport: configured",
        ],
    },
    Row {
        name: "emulated, which the configuration names for requests only",
        answer: OfClient {
            transport: &[],
            emulated: &[("x-transport", "1")],
        },
        seen: &["x-static: configured", "x-transport: configured"],
    },
    Row {
        name: "of the request, in place of an emulated one",
        answer: OfClient {
            transport: &[("x-both", "1")],
            emulated: &[("x-both", "2")],
        },
        seen: &[
            "x-both: 1",
            "x-static: configured",
            "x-transport: configured",
        ],
    },
];

async fn headers_are_passed_on(column: Column) -> Outcome {
    play(column, ROWS, async |case, headers| {
        call(case, "rpc_headers:method", headers).await;
        let headers = case.call(EventKind::Rpc).await.headers;
        let mut seen = Vec::new();
        for (name, value) in &headers {
            if name.as_str().starts_with("x-") && name != "x-centrifugo-secret" {
                seen.push(format!("{name}: {}", value.to_str().unwrap_or_default()));
            }
        }
        seen.sort();
        seen
    })
    .await
}

async fn secret_that_clients_can_set_is_refused(column: Column) -> Outcome {
    let forged: Headers = &[("x-centrifugo-secret", "forged")];
    let environment = Environment::of(column).await?;
    for (method, transport, emulated) in [
        ("rpc_exposed:method", forged, [].as_slice()),
        ("rpc_exposed:method", [].as_slice(), forged),
    ] {
        let headers = OfClient {
            transport,
            emulated,
        };
        let case = environment.case();
        // In process, a secret is not checked.
        case.ask_over_network();
        let replied = call(&case, method, &headers).await;
        assert_eq!(replied, "error 100 internal server error, temporary");
        // A proxy that passes no headers on is not affected.
        let replied = call(&case, "rpc:method", &headers).await;
        assert_eq!(replied, "replied");
    }
    Ok(())
}

/// Calls a method as a client with headers.
async fn call(case: &Case, method: &str, headers: &OfClient) -> String {
    let connecting = Connecting {
        headers: headers.transport,
        emulated_headers: headers.emulated,
        ..Connecting::default()
    };
    let client = case.connected_with(connecting).await;
    client.rpc(method, "{}").await.to_string()
}
