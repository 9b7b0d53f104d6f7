//! The parts of a `Command` and of a `Reply`, a field for each method: what makes requests commands of a batch.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{GenericArgument, Ident, Item, ItemStruct, Lit, PathArguments, Type, parse_quote};

use crate::fields::inner;
use crate::messages::{field_type, find, path};
use crate::methods::Rpc;

/// How a request is a command of a batch, for its `Method`; nothing where it is none.
pub(crate) fn carried(items: &[Item], rpc: &Rpc) -> TokenStream {
    let Some(tag) = batch_tag(items, rpc) else {
        return TokenStream::new();
    };
    let has_payloads = holds_bytes(items, &rpc.result, &mut HashSet::new());
    quote! {
        const CARRIED: ::core::option::Option<crate::method::Carried> =
            Some(crate::method::Carried { tag: #tag, has_payloads: #has_payloads });
        #[cfg(feature = "_transport")]
        fn read_part(
            &self,
            received: crate::batch::part::Received<'_>,
        ) -> ::core::result::Result<Self::Result, crate::Error> {
            crate::batch::part::read(self, received)
        }
    }
}

/// How it is one of a batch of its type.
fn element(items: &[Item], rpc: &Rpc, checked: &HashSet<String>) -> Option<Item> {
    let (tag, request) = (batch_tag(items, rpc)?, &rpc.request);
    let set_twice = match checked.contains(&quote!(#request).to_string()) {
        true => quote!(self.payload_set_twice()),
        false => quote!(::core::option::Option::None),
    };
    let is_empty = is_empty(items, rpc);
    Some(parse_quote! {
        #[cfg(feature = "_transport")]
        impl crate::batch::part::Element for #request {
            const TAG: u32 = #tag;
            const IS_EMPTY: bool = #is_empty;
            fn set_twice(&self) -> ::core::option::Option<::std::string::String> {
                #set_twice
            }
        }
    })
}

/// The number of the field of `Command` that holds the request, if a batch carries it.
fn batch_tag(items: &[Item], rpc: &Rpc) -> Option<u32> {
    find(items, &parse_quote!(Command))
        .filter(|_| is_batched(items, rpc))
        .and_then(|it| tag(it, &rpc.ident))
}

/// Whether the result holds nothing.
fn is_empty(items: &[Item], rpc: &Rpc) -> bool {
    find(items, &rpc.result).is_some_and(|result| result.fields.is_empty())
}

/// The numbers of the fields that batches consist of, and those of `Reply` with the names of their methods.
fn tags(items: &[Item], rpcs: &[Rpc]) -> [Item; 2] {
    let tag_of = |message: &str, field: &Ident| {
        let message = format_ident!("{message}");
        find(items, &parse_quote!(#message)).and_then(|message| tag(message, field))
    };
    let number = |message, field| tag_of(message, &format_ident!("{field}")).unwrap_or_default();
    let (commands, parallel) = (
        number("BatchRequest", "commands"),
        number("BatchRequest", "parallel"),
    );
    let (replies, error) = (number("BatchResponse", "replies"), number("Reply", "error"));
    let parts = rpcs.iter().filter_map(|rpc| {
        let (name, tag) = (&rpc.name, tag_of("Reply", &rpc.ident)?);
        Some(quote!((#tag, #name)))
    });
    [
        parse_quote! {
            #[cfg(feature = "_transport")]
            pub(crate) const BATCH_TAGS: crate::batch::wire::Tags = crate::batch::wire::Tags {
                commands: #commands,
                parallel: #parallel,
                replies: #replies,
                error: #error,
            };
        },
        parse_quote! {
            #[cfg(feature = "_transport")]
            pub(crate) const REPLY_PARTS: &[(u32, &str)] = &[#(#parts),*];
        },
    ]
}

/// The number of a message's field.
pub(crate) fn tag(message: &ItemStruct, name: &Ident) -> Option<u32> {
    let field = message
        .fields
        .iter()
        .find(|field| field.ident.as_ref() == Some(name))?;
    let mut tag = None;
    for attribute in field
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("prost"))
    {
        let _ = attribute.parse_nested_meta(|meta| {
            let value = meta
                .value()
                .ok()
                .map(|value| value.parse::<Lit>())
                .transpose()?;
            if let (true, Some(Lit::Str(number))) = (meta.path.is_ident("tag"), value) {
                tag = number.value().parse().ok();
            }
            Ok(())
        });
    }
    tag
}

/// Whether a message, or one within it, has a field of bytes.
fn holds_bytes(items: &[Item], message: &Type, seen: &mut HashSet<String>) -> bool {
    if !seen.insert(quote!(#message).to_string()) {
        return false;
    }
    let Some(message) = find(items, message) else {
        return false;
    };
    message.fields.iter().any(|field| {
        types(&field.ty)
            .iter()
            .any(|ty| is_bytes(ty) || holds_bytes(items, ty, seen))
    })
}

fn is_bytes(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Bytes"))
}

/// A type and those that it is generic over.
fn types(ty: &Type) -> Vec<Type> {
    let mut all = vec![ty.clone()];
    if let Type::Path(path) = ty {
        for segment in &path.path.segments {
            if let PathArguments::AngleBracketed(arguments) = &segment.arguments {
                all.extend(
                    arguments
                        .args
                        .iter()
                        .filter_map(|argument| match argument {
                            GenericArgument::Type(ty) => Some(types(ty)),
                            _ => None,
                        })
                        .flatten(),
                );
            }
        }
    }
    all
}

/// What makes requests commands of a batch, and takes their results from its replies.
pub(crate) fn batch(items: &[Item], rpcs: &[Rpc], checked: &HashSet<String>) -> Vec<Item> {
    let batched = rpcs.iter().filter(|rpc| is_batched(items, rpc));
    let mut generated: Vec<Item> = batched
        .flat_map(|rpc| [conversion(rpc), batch_command(rpc)])
        .collect();
    generated.extend(rpcs.iter().filter_map(|rpc| element(items, rpc, checked)));
    generated.push(part_names(items, rpcs, "Command"));
    generated.push(part_names(items, rpcs, "Reply"));
    generated.extend(tags(items, rpcs));
    generated.push(without_content(items, rpcs));
    generated.push(repeatable_command(items, rpcs));
    generated
}

/// `parts(&self)`: the names of the methods that a `Command` or a `Reply` is about.
fn part_names(items: &[Item], rpcs: &[Rpc], message: &str) -> Item {
    let message = format_ident!("{message}");
    let checks = rpcs.iter().filter_map(|rpc| {
        let (name, field) = (&rpc.name, &rpc.ident);
        part(items, &message, rpc).map(|_| quote!((#name, self.#field.is_some())))
    });
    parse_quote! {
        impl #message {
            /// The names of the methods that it has a part for: one, when it is well-formed.
            pub(crate) fn parts(&self) -> impl ::core::iter::Iterator<Item = &'static str> {
                let parts = [#(#checks),*];
                parts.into_iter().filter(|part| part.1).map(|part| part.0)
            }
        }
    }
}

/// Whether `Command` carries the request under the method's name, and `Reply` the result.
fn is_batched(items: &[Item], rpc: &Rpc) -> bool {
    let holds = |message: &str, ty: &Type| {
        part(items, &format_ident!("{message}"), rpc).is_some_and(|part| path(part) == path(ty))
    };
    holds("Command", &rpc.request) && holds("Reply", &rpc.result)
}

fn conversion(rpc: &Rpc) -> Item {
    let (field, request) = (&rpc.ident, &rpc.request);
    parse_quote! {
        impl ::core::convert::From<#request> for Command {
            fn from(request: #request) -> Self {
                Self {
                    #field: Some(::std::boxed::Box::new(request)),
                    ..::core::default::Default::default()
                }
            }
        }
    }
}

/// A broadcast's result gets the names of the channels.
fn batch_command(rpc: &Rpc) -> Item {
    let (field, request, result) = (&rpc.ident, &rpc.request, &rpc.result);
    let taken = quote!(reply.#field.map(|result| *result).unwrap_or_default());
    let called = quote!(crate::batch::list::call(client, &mut commands, parallel).await);
    let (result, taken, called) = match rpc.name == "broadcast" {
        true => (
            quote!(crate::BroadcastResult),
            quote! {
                let channels = command.broadcast.map(|request| request.channels).unwrap_or_default();
                crate::BroadcastResult::new(channels, #taken)
            },
            quote! {
                let outcomes = #called?.into_iter().zip(commands);
                let with_channels = outcomes.map(|(outcome, request)| {
                    outcome.map(|result| crate::BroadcastResult::new(request.channels, result))
                });
                Ok(with_channels.collect())
            },
        ),
        false => (quote!(#result), taken, called),
    };
    parse_quote! {
        impl crate::BatchCommand for #request {
            type Result = #result;
            #[allow(unused_variables)]
            fn result(command: Command, reply: Reply) -> Self::Result {
                #taken
            }
            #[cfg(feature = "_transport")]
            async fn call_all(
                client: &crate::Client,
                mut commands: ::std::vec::Vec<Self>,
                parallel: bool,
            ) -> ::core::result::Result<
                ::std::vec::Vec<::core::result::Result<Self::Result, crate::ApiError>>,
                crate::Error,
            > {
                #called
            }
        }
    }
}

/// The methods whose results hold nothing, and which a reply may leave out therefore.
fn without_content(items: &[Item], rpcs: &[Rpc]) -> Item {
    let empty = rpcs.iter().filter(|rpc| is_empty(items, rpc));
    let names = empty.map(|rpc| &rpc.name);
    parse_quote! {
        pub(crate) const WITHOUT_CONTENT: &[&str] = &[#(#names),*];
    }
}

/// `is_repeatable(&self)` and `give_key(&mut self, key)` of a command: those of all its parts.
fn repeatable_command(items: &[Item], rpcs: &[Rpc]) -> Item {
    let parts: Vec<&Ident> = rpcs
        .iter()
        .filter(|rpc| {
            part(items, &format_ident!("Command"), rpc)
                .is_some_and(|ty| path(ty) == path(&rpc.request))
        })
        .map(|rpc| &rpc.ident)
        .collect();
    parse_quote! {
        impl Command {
            pub(crate) fn is_repeatable(&self) -> bool {
                true #(&& self.#parts.as_ref().is_none_or(|part| crate::Method::is_repeatable(&**part)))*
            }
            pub(crate) fn give_key(&mut self, key: &str) -> bool {
                false #(|| self.#parts.as_mut().is_some_and(|part| crate::Method::give_key(&mut **part, key)))*
            }
        }
    }
}

/// What the field of `Command` or `Reply` that is named after the method holds, boxed.
pub(crate) fn part<'a>(items: &'a [Item], message: &Ident, rpc: &Rpc) -> Option<&'a Type> {
    let message = find(items, &parse_quote!(#message))?;
    inner(
        inner(field_type(message, &rpc.ident.to_string())?, "Option")?,
        "Box",
    )
}
