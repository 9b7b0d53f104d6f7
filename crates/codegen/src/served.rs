//! What the embedded server of the feature `testing` needs of each method: its reply from an outcome, its channels,
//! and the table by which calls and commands find it.

use quote::quote;
use syn::{File, Ident, Item, parse_quote};

use crate::fields::inner;
use crate::messages::{field_type, find, is_named};
use crate::methods::{Rpc, Shape};
use crate::parts::part;

/// The methods that the open-source Centrifugo serves, in the order in which it looks for them in a command. Each
/// is implemented in `crates/testing/src/engine`.
const OPEN_SOURCE: &[&str] = &[
    "publish",
    "broadcast",
    "subscribe",
    "unsubscribe",
    "disconnect",
    "history",
    "history_remove",
    "presence",
    "presence_stats",
    "info",
    "rpc",
    "refresh",
    "channels",
    "map_publish",
    "map_remove",
    "map_read_state",
    "map_read_stream",
    "map_stats",
    "map_clear",
    "shared_poll_publish",
    "batch",
];

/// The table, and what it is made of. The error names what the schema lacks.
pub(crate) fn served(items: &[Item], rpcs: &[Rpc]) -> Result<File, String> {
    let find_rpc = |name: &&str| {
        rpcs.iter().find(|rpc| rpc.name == *name).ok_or_else(|| {
            format!(
                "the feature `testing` needs a schema of Centrifugo 6.9 or newer: this one lacks the method `{name}`; \
                 build without the feature, or from the schema that the crate ships"
            )
        })
    };
    let mut ordered: Vec<&Rpc> = OPEN_SOURCE.iter().map(find_rpc).collect::<Result<_, _>>()?;
    let pro = rpcs.iter().filter(|rpc| !is_open_source(rpc));
    ordered.extend(pro.clone());
    let served = rpcs.iter().map(|rpc| served_impl(items, rpc));
    let unhandled = pro.map(|rpc| {
        let request = &rpc.request;
        quote!(impl Handler for api::#request {})
    });
    let routes = rpcs.iter().map(route);
    let run = run(items, &ordered);
    let channels = command_channels(items, &ordered);
    Ok(parse_quote! {
        #(#served)*
        #(#unhandled)*
        /// The methods of the schema.
        pub(crate) static ROUTES: &[Route] = &[#(#routes),*];
        #run
        #channels
    })
}

fn is_open_source(rpc: &Rpc) -> bool {
    OPEN_SOURCE.contains(&rpc.name.as_str())
}

fn served_impl(items: &[Item], rpc: &Rpc) -> Item {
    let Rpc {
        request,
        response,
        result,
        ..
    } = rpc;
    let has_error = !matches!(rpc.shape, Shape::Plain);
    let reply = match rpc.shape {
        Shape::Outcome => quote! {
            let mut response = api::#response::default();
            match outcome {
                Ok(result) => response.result = Some(result),
                Err(error) => response.error = Some(error),
            }
            response
        },
        Shape::ErrorOnly => quote! {
            outcome.unwrap_or_else(|error| {
                let mut response = api::#response::default();
                response.error = Some(error);
                response
            })
        },
        Shape::Plain => quote!(outcome.unwrap_or_default()),
    };
    let channels = channels(items, rpc);
    parse_quote! {
        impl ServedMethod for api::#request {
            const HAS_ERROR: bool = #has_error;
            fn response(outcome: Result<api::#result, ApiError>) -> api::#response {
                #reply
            }
            fn channels(&self) -> Vec<&str> {
                #channels
            }
        }
    }
}

/// The channels that a request is about, as its fields name them.
fn channels(items: &[Item], rpc: &Rpc) -> proc_macro2::TokenStream {
    let Some(message) = find(items, &rpc.request) else {
        return quote!(Vec::new());
    };
    let is_text = |ty: &syn::Type| quote!(#ty).to_string().ends_with("String");
    match (
        field_type(message, "channel"),
        field_type(message, "channels"),
        field_type(message, "commands"),
    ) {
        (Some(ty), ..) if is_text(ty) => quote!(vec![self.channel.as_str()]),
        (_, Some(ty), _) if inner(ty, "Vec").is_some_and(is_text) => {
            quote!(self.channels.iter().map(String::as_str).collect())
        }
        (.., Some(ty)) if inner(ty, "Vec").is_some_and(|item| is_named(item, "Command")) => {
            quote!(self.commands.iter().flat_map(command_channels).collect())
        }
        _ => quote!(Vec::new()),
    }
}

fn route(rpc: &Rpc) -> proc_macro2::TokenStream {
    let (request, response) = (&rpc.request, &rpc.response);
    let (name, open_source) = (&rpc.name, is_open_source(rpc));
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

/// Runs the first part of a command that is set, as Centrifugo does.
fn run(items: &[Item], ordered: &[&Rpc]) -> Item {
    let parts = commands(items, ordered).map(|field| {
        quote! {
            if let Some(request) = command.#field {
                match call.engine.execute(*request, call) {
                    Ok(result) => reply.#field = Some(Box::new(result)),
                    Err(error) => reply.error = Some(Box::new(error)),
                }
                return reply;
            }
        }
    });
    parse_quote! {
        pub(crate) fn run(command: api::Command, call: &Call<'_>) -> api::Reply {
            let mut reply = api::Reply::default();
            #(#parts)*
            reply.error = Some(Box::new(not_found()));
            reply
        }
    }
}

fn command_channels(items: &[Item], ordered: &[&Rpc]) -> Item {
    let parts = commands(items, ordered).map(|field| {
        quote! {
            if let Some(request) = &command.#field {
                return ServedMethod::channels(&**request);
            }
        }
    });
    parse_quote! {
        fn command_channels(command: &api::Command) -> Vec<&str> {
            #(#parts)*
            Vec::new()
        }
    }
}

/// The fields of `Command`, and of `Reply` too, that are methods.
fn commands<'a>(items: &'a [Item], ordered: &'a [&Rpc]) -> impl Iterator<Item = &'a Ident> {
    let is_part = |rpc: &Rpc, message: Ident| part(items, &message, rpc).is_some();
    ordered.iter().filter_map(move |rpc| {
        let both = is_part(rpc, quote::format_ident!("Command"))
            && is_part(rpc, quote::format_ident!("Reply"));
        both.then_some(&rpc.ident)
    })
}
