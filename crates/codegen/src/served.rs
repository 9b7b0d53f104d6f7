//! What the embedded server of the feature `testing` needs of each method: its reply from an outcome, its channels,
//! and the table by which calls and commands find it.

use quote::quote;
use syn::{File, Ident, Item, parse_quote};

use crate::batch::part;
use crate::facts;
use crate::fields::inner;
use crate::messages::{field_type, find, is_named};
use crate::methods::{Rpc, Shape};

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
    let open_source = facts::METHODS.iter().filter(|facts| facts.is_open_source);
    let mut ordered: Vec<&Rpc> = open_source
        .map(|facts| find_rpc(&facts.name))
        .collect::<Result<_, _>>()?;
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
    facts::method(&rpc.name).is_some_and(|facts| facts.is_open_source)
}

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
            outcome.unwrap_or_else(|error| {
                let mut response = api::#response::default();
                response.error = Some(error.into());
                response
            })
        },
        Shape::Plain => quote!(outcome.unwrap_or_default()),
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
            #(#parts)*
            reply.error = Some(Box::new(not_found().into()));
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
