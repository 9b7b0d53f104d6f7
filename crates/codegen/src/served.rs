//! The methods as the test server serves them: the response from an outcome, the channels of a
//! request, and the tables in which calls and commands find their method.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{File, Ident, Item, Type, parse_quote};

use crate::batch::field_of;
use crate::facts;
use crate::fields::inner;
use crate::messages::{field_type, find, is_named};
use crate::rpcs::{Rpc, Shape};

/// The messages that the test server shows to tests, with the fields that it sets.
const SHOWN: &[(&str, &[&str])] = &[
    ("ClientInfo", &["user", "client", "conn_info", "chan_info"]),
    ("Publication", &["data", "info", "offset", "tags"]),
    ("PublishResult", &["offset", "epoch"]),
];

/// Generates the impls and tables of all methods.
///
/// # Errors
///
/// A text that names what the test server needs and the schema lacks.
pub(crate) fn generate(items: &[Item], rpcs: &[Rpc]) -> Result<File, String> {
    check(items)?;
    let ordered = in_order(rpcs);
    let served = rpcs.iter().map(|rpc| served_impl(items, rpc));
    let runnable = rpcs.iter().filter_map(runnable_impl);
    let unreached = unreached(rpcs);
    let routes = rpcs.iter().map(route);
    let run = run(items, &ordered);
    let channels = command_channels(items, &ordered);
    Ok(parse_quote! {
        #(#served)*
        #(#runnable)*
        #(#unreached)*
        /// The methods of the schema.
        pub(crate) static ROUTES: &[Route] = &[#(#routes),*];
        #run
        #channels
    })
}

/// Checks that the schema has the messages that the test server shows to tests.
fn check(items: &[Item]) -> Result<(), String> {
    for (name, fields) in SHOWN {
        let ident = format_ident!("{name}");
        let message = find(items, &parse_quote!(#ident));
        for field in *fields {
            if message
                .and_then(|message| field_type(message, field))
                .is_none()
            {
                return Err(format!(
                    "the test server (centrifugo-api-testing) needs `{name}.{field}`, which this schema lacks; \
                     build without the test server, or add the field as Centrifugo's api.proto has it"
                ));
            }
        }
    }
    Ok(())
}

/// Returns the methods in the order in which the server looks for them in a command.
fn in_order(rpcs: &[Rpc]) -> Vec<&Rpc> {
    let open_source = facts::METHODS.iter().filter(|facts| facts.is_open_source);
    let mut ordered: Vec<&Rpc> = open_source
        .filter_map(|facts| rpcs.iter().find(|rpc| rpc.name == facts.name))
        .collect();
    ordered.extend(rpcs.iter().filter(|rpc| !is_open_source(rpc)));
    ordered
}

/// Generates the impl of `Runnable`, which leads to the handler of the method, if there is one. That of `batch` is
/// hand-written.
fn runnable_impl(rpc: &Rpc) -> Option<Item> {
    if rpc.name == "batch" {
        return None;
    }
    let request = &rpc.request;
    if !is_open_source(rpc) {
        return Some(parse_quote!(impl Runnable for api::#request {}));
    }
    let result = &rpc.result;
    let handled = handled_request(&rpc.name);
    Some(parse_quote! {
        impl Runnable for api::#request {
            fn run(self, call: &Call<'_>) -> Result<Self::Result, ApiError> {
                handle::<messages::#handled, api::#result>(&self, call).map(Into::into)
            }
        }
    })
}

/// Generates a use of each handler whose method the schema lacks, so that none counts as dead code.
fn unreached(rpcs: &[Rpc]) -> Vec<Item> {
    let lacking = facts::METHODS
        .iter()
        .filter(|facts| facts.is_open_source && rpcs.iter().all(|rpc| rpc.name != facts.name));
    let uses = lacking.map(|facts| {
        let handled = handled_request(facts.name);
        parse_quote! {
            const _: fn(
                messages::#handled,
                &Call<'_>,
            ) -> Result<<messages::#handled as Handler>::Result, ApiError> = Handler::handle;
        }
    });
    uses.collect()
}

/// Returns the name of the request that the handler of a method reads: `PresenceStatsRequest`.
fn handled_request(method: &str) -> Ident {
    let words = method.split('_').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    format_ident!("{}Request", words.collect::<String>())
}

fn is_open_source(rpc: &Rpc) -> bool {
    facts::method(&rpc.name).is_some_and(|facts| facts.is_open_source)
}

/// Generates the impl of `ServedMethod`.
fn served_impl(items: &[Item], rpc: &Rpc) -> Item {
    let Rpc {
        request, response, ..
    } = rpc;
    let has_error = !matches!(rpc.shape, Shape::Plain);
    let reply = match rpc.shape {
        Shape::Outcome => quote! {
            let mut response = api::#response::default();
            match outcome {
                Ok(result) => response.result = Some(result.into()),
                Err(error) => response.error = Some(error.into()),
            }
            response
        },
        Shape::ErrorOnly => quote! {
            outcome.map(Into::into).unwrap_or_else(|error| {
                let mut response = api::#response::default();
                response.error = Some(error.into());
                response
            })
        },
        Shape::Plain => quote!(outcome.unwrap_or_default().into()),
    };
    let channels = channels(items, rpc);
    parse_quote! {
        impl ServedMethod for api::#request {
            const HAS_ERROR: bool = #has_error;
            fn response(outcome: Result<Self::Result, ApiError>) -> api::#response {
                #reply
            }
            fn channels(&self) -> Vec<&str> {
                #channels
            }
        }
    }
}

/// Generates the expression for the channels that a request names.
fn channels(items: &[Item], rpc: &Rpc) -> TokenStream {
    let message = find(items, &rpc.request);
    let field = |name| message.and_then(|message| field_type(message, name));
    let list = |name| field(name).and_then(|ty| inner(ty, "Vec"));
    if field("channel").is_some_and(is_text) {
        quote!(vec![self.channel.as_str()])
    } else if list("channels").is_some_and(is_text) {
        quote!(self.channels.iter().map(String::as_str).collect())
    } else if list("commands").is_some_and(|item| is_named(item, "Command")) {
        quote!(self.commands.iter().flat_map(command_channels).collect())
    } else {
        quote!(Vec::new())
    }
}

fn is_text(ty: &Type) -> bool {
    quote!(#ty).to_string().ends_with("String")
}

/// Generates a row of the table of methods.
fn route(rpc: &Rpc) -> TokenStream {
    let request = &rpc.request;
    let response = &rpc.response;
    let name = &rpc.name;
    let open_source = is_open_source(rpc);
    let rpc_name = rpc.grpc_path.rsplit('/').next().unwrap_or_default();
    quote! {
        Route {
            name: #name,
            rpc: #rpc_name,
            grpc_path: <api::#request as Method>::GRPC_PATH,
            open_source: #open_source,
            has_error: <api::#request as ServedMethod>::HAS_ERROR,
            request: <api::#request as Described>::DESCRIPTOR,
            response: <api::#response as Described>::DESCRIPTOR,
            serve: serve::<api::#request>,
            check: check::<api::#request>,
            channels: channels_of::<api::#request>,
        }
    }
}

/// Generates `run`, which runs the first request that is set in a command, as Centrifugo does.
fn run(items: &[Item], ordered: &[&Rpc]) -> Item {
    let steps = command_fields(items, ordered).map(|field| {
        quote! {
            if let Some(request) = command.#field {
                match call.engine.execute(*request, call) {
                    Ok(result) => reply.#field = Some(Box::new(result.into())),
                    Err(error) => reply.error = Some(Box::new(error.into())),
                }
                return reply;
            }
        }
    });
    parse_quote! {
        pub(crate) fn run(command: api::Command, call: &Call<'_>) -> api::Reply {
            let mut reply = api::Reply::default();
            #(#steps)*
            reply.error = Some(Box::new(not_found().into()));
            reply
        }
    }
}

/// Generates `command_channels`, which returns the channels that a command's request names.
fn command_channels(items: &[Item], ordered: &[&Rpc]) -> Item {
    let steps = command_fields(items, ordered).map(|field| {
        quote! {
            if let Some(request) = &command.#field {
                return ServedMethod::channels(&**request);
            }
        }
    });
    parse_quote! {
        fn command_channels(command: &api::Command) -> Vec<&str> {
            #(#steps)*
            Vec::new()
        }
    }
}

/// Returns the names of the fields that `Command` and `Reply` both have for methods.
fn command_fields<'a>(items: &'a [Item], ordered: &'a [&Rpc]) -> impl Iterator<Item = &'a Ident> {
    ordered.iter().filter_map(|rpc| {
        field_of(items, "Command", rpc)?;
        field_of(items, "Reply", rpc)?;
        Some(&rpc.ident)
    })
}
