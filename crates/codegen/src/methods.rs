//! The impls of `Method`, which every request has.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Item, parse_quote};

use crate::facts::{self, MethodFacts, Repeat};
use crate::fields::{Field, fields, fields_of, inner};
use crate::messages::{field_type, find, is_named, tag};
use crate::rpcs::{Rpc, Shape};
use crate::twins::messages_with_twins;

/// Generates the impls of `Method` and `ConsumerMethod`.
pub(crate) fn impls(rpcs: &[Rpc], items: &[Item]) -> Vec<Item> {
    let with_twins = messages_with_twins(items);
    let mut impls = Vec::new();
    for rpc in rpcs {
        impls.push(method(rpc, items, &with_twins));
    }
    for rpc in rpcs {
        if facts(rpc).is_some_and(|facts| facts.is_consumed) {
            impls.push(consumer_method(rpc));
        }
    }
    impls
}

/// Generates the list of all methods' names, the releases that brought methods, the path of `info`, the presence of
/// idempotency keys, and the functions about `Error.temporary`.
pub(crate) fn tables(rpcs: &[Rpc], items: &[Item]) -> Vec<Item> {
    vec![
        names(rpcs),
        releases(rpcs),
        info_path(rpcs),
        takes_keys(rpcs, items),
        temporary_flag(items),
    ]
}

fn facts(rpc: &Rpc) -> Option<&'static MethodFacts> {
    facts::method(&rpc.name)
}

/// Generates the impl of `Method`.
fn method(rpc: &Rpc, items: &[Item], with_twins: &HashSet<String>) -> Item {
    let Rpc {
        name,
        grpc_path,
        request,
        response,
        ..
    } = rpc;
    let result = rpc.result_path(&quote!(api));
    let outcome = outcome(rpc);
    let check = check(rpc, items, with_twins);
    let verify = verify(rpc);
    let is_repeatable = is_repeatable(rpc, items);
    let generated = generated(rpc, items, with_twins);
    parse_quote! {
        impl crate::api::method::Method for api::#request {
            const NAME: &'static str = #name;
            const GRPC_PATH: &'static str = #grpc_path;
            type Response = api::#response;
            type Result = #result;
            fn outcome(
                response: Self::Response,
            ) -> ::core::option::Option<::core::result::Result<Self::Result, api::Error>> {
                #outcome
            }
            #check
            #verify
            #is_repeatable
            #generated
        }
    }
}

/// Generates the body of `outcome`, which takes the result or the error out of a response.
fn outcome(rpc: &Rpc) -> TokenStream {
    match rpc.shape {
        Shape::Outcome => quote! {
            match (response.error, response.result) {
                (Some(error), _) => Some(Err(error)),
                (None, Some(result)) => Some(Ok(result.into())),
                (None, None) => None,
            }
        },
        Shape::ErrorOnly => quote! {
            match response.error {
                Some(error) => Some(Err(error)),
                None => Some(Ok(response.into())),
            }
        },
        Shape::Plain => quote!(Some(Ok(response.into()))),
    }
}

/// Generates `check`: a request's required fields are set, and no payload is set twice.
fn check(rpc: &Rpc, items: &[Item], with_twins: &HashSet<String>) -> Option<TokenStream> {
    let body = if rpc.name == "batch" {
        quote!(crate::request::batch::raw::check(self))
    } else {
        let missing = required_checks(rpc, items);
        let set_twice = twice_check(rpc, with_twins);
        if missing.is_empty() && set_twice.is_none() {
            return None;
        }
        quote! {
            #(#missing)*
            #set_twice
            Ok(())
        }
    };
    Some(quote! {
        fn check(&self) -> ::core::result::Result<(), crate::api::method::InvalidRequest> {
            #body
        }
    })
}

/// Generates the checks that required fields are set.
fn required_checks(rpc: &Rpc, items: &[Item]) -> Vec<TokenStream> {
    let Some(facts) = facts(rpc) else {
        return Vec::new();
    };
    let fields = fields_of(items, &rpc.request);
    let required = facts.required.iter();
    required
        .filter_map(|name| fields.iter().find(|field| field.plain_name() == *name))
        .filter_map(required_check)
        .collect()
}

/// Generates the check that no payload of a request is set twice.
fn twice_check(rpc: &Rpc, with_twins: &HashSet<String>) -> Option<TokenStream> {
    has_twins(rpc, with_twins).then(|| {
        quote! {
            if let Some(field) = self.payload_set_twice() {
                return Err(crate::api::method::InvalidRequest::set_twice(field));
            }
        }
    })
}

/// Returns whether the request has payloads with twins, or contains messages that have.
fn has_twins(rpc: &Rpc, with_twins: &HashSet<String>) -> bool {
    let request = &rpc.request;
    with_twins.contains(&quote!(#request).to_string())
}

/// Generates the check that a required field is set. A field whose type is not Centrifugo's is not
/// checked.
fn required_check(field: &Field<'_>) -> Option<TokenStream> {
    let name = field.name;
    let path = field.plain_name();
    let is_missing = if field.is_plain_text() || inner(field.ty, "Vec").is_some() {
        quote!(self.#name.is_empty())
    } else if field.is_number() {
        quote!(self.#name == 0)
    } else {
        return None;
    };
    Some(quote! {
        if #is_missing {
            return Err(crate::api::method::InvalidRequest::missing(#path));
        }
    })
}

/// Generates `verify`, the check of a result with parts, as a call of hand-written code.
fn verify(rpc: &Rpc) -> Option<TokenStream> {
    let verify = match rpc.name.as_str() {
        "batch" => quote!(crate::request::batch::raw::verify(self, result)),
        "broadcast" => quote!(crate::request::broadcast::verify(self, result)),
        _ => return None,
    };
    Some(quote! {
        fn verify(&self, result: &Self::Result) -> ::core::result::Result<(), ::std::string::String> {
            #verify
        }
    })
}

/// Generates `is_repeatable`, unless the request never is.
fn is_repeatable(rpc: &Rpc, items: &[Item]) -> Option<TokenStream> {
    let is_repeatable = if rpc.name == "batch" {
        quote!(self.commands.iter().all(api::Command::is_repeatable))
    } else {
        match facts(rpc)?.repeat {
            Repeat::Yes => quote!(true),
            Repeat::WithKey if has_key(rpc, items) => quote!(!self.idempotency_key.is_empty()),
            Repeat::WithNumber(name) => {
                let fields = fields_of(items, &rpc.request);
                let mut fields = fields.iter();
                let field = fields.find(|field| field.plain_name() == name && field.is_number())?;
                let name = field.name;
                quote!(self.#name != 0)
            }
            Repeat::WithKey | Repeat::No => return None,
        }
    };
    Some(quote! {
        fn is_repeatable(&self) -> bool {
            #is_repeatable
        }
    })
}

/// Returns whether an idempotency key makes the request repeatable.
fn is_keyed(rpc: &Rpc, items: &[Item]) -> bool {
    facts(rpc).is_some_and(|facts| facts.repeat == Repeat::WithKey) && has_key(rpc, items)
}

/// Returns whether the request has an idempotency key.
fn has_key(rpc: &Rpc, items: &[Item]) -> bool {
    has_text(rpc, items, "idempotency_key")
}

/// Returns whether the request has a text of that name.
fn has_text(rpc: &Rpc, items: &[Item], name: &str) -> bool {
    fields_of(items, &rpc.request)
        .iter()
        .any(|field| field.plain_name() == name && field.is_plain_text())
}

/// Generates the hidden member of `Method`.
fn generated(rpc: &Rpc, items: &[Item], with_twins: &HashSet<String>) -> TokenStream {
    let payloads = payloads(rpc, items);
    let twins = has_twins(rpc, with_twins)
        .then(|| quote!(visit_twins: |request, visit| request.visit_twins(visit),));
    let channel = has_text(rpc, items, "channel").then(
        || quote!(channel: |request| ::core::option::Option::Some(request.channel.as_str()),),
    );
    let keys = keys(rpc, items);
    let check_json = check_json(rpc, items);
    let slot = crate::batch::slot(items, rpc);
    let parts = parts(rpc);
    quote! {
        #[allow(clippy::needless_update)]
        const GENERATED: crate::api::method::Generated<Self> = crate::api::method::Generated {
            #payloads
            #twins
            #channel
            #keys
            #check_json
            batch: #slot,
            #parts
            ..crate::api::method::Generated::NONE
        };
    }
}

/// Generates the members about the idempotency key of a request, if the request takes one.
fn keys(rpc: &Rpc, items: &[Item]) -> Option<TokenStream> {
    if rpc.name == "batch" {
        return Some(quote! {
            set_key: |request, key| crate::request::batch::raw::set_keys(&mut request.commands, key),
            keys: |request| crate::request::batch::raw::keys(&request.commands),
            settle: crate::request::batch::raw::settle,
        });
    }
    let is_keyed = is_keyed(rpc, items);
    // A key would suppress the second publication in a channel that is named twice.
    let no_key = rpc
        .is_broadcast()
        .then(|| quote!(|| crate::request::broadcast::names_twice(&request.channels)));
    let settle = is_suppressible(rpc, items).then(|| {
        quote! {
            settle: |request, result, key| {
                if result.suppress_reason == "idempotency" && request.idempotency_key.starts_with(key) {
                    result.suppressed = false;
                    result.suppress_reason.clear();
                }
            },
        }
    });
    is_keyed.then(|| {
        quote! {
            set_key: |request, key| {
                let keeps = !request.idempotency_key.is_empty() #no_key;
                if !keeps {
                    request.idempotency_key = key.to_owned();
                }
            },
            #settle
            keys: |request| {
                let key = &request.idempotency_key;
                ::std::vec![(!key.is_empty()).then(|| key.clone())]
            },
        }
    })
}

/// Returns whether the request has an idempotency key, and its result says whether a former request with the same key
/// kept it from changing anything.
pub(crate) fn is_suppressible(rpc: &Rpc, items: &[Item]) -> bool {
    let result = fields_of(items, &rpc.result);
    let mut fields = result.iter();
    let has_reason =
        fields.any(|field| field.plain_name() == "suppress_reason" && field.is_plain_text());
    let suppressed = find(items, &rpc.result).and_then(|result| field_type(result, "suppressed"));
    let has_flag = suppressed.is_some_and(|ty| is_named(ty, "bool"));
    has_key(rpc, items)
        && has_reason
        && has_flag
        && facts(rpc).is_some_and(|facts| facts.repeat == Repeat::WithKey)
}

/// Generates the member that checks that payloads are JSON.
fn check_json(rpc: &Rpc, items: &[Item]) -> Option<TokenStream> {
    if rpc.name == "batch" {
        return Some(quote! {
            check_json: |request| crate::request::batch::raw::check_json(&request.commands),
        });
    }
    let request = &rpc.request;
    let request = quote!(#request).to_string();
    let mut checks = Vec::new();
    for field in fields_of(items, &rpc.request) {
        let path = field.plain_name();
        if !field.is_plain_payload() || facts::ANY_BYTES.contains(&(&request, &path)) {
            continue;
        }
        let name = field.name;
        checks.push(quote!(crate::api::payload::check_json(#path, &request.#name)?;));
    }
    if checks.is_empty() {
        return None;
    }
    Some(quote! {
        check_json: |request| {
            #(#checks)*
            Ok(())
        },
    })
}

/// Generates the member of a method whose results have parts that may fail one by one.
fn parts(rpc: &Rpc) -> Option<TokenStream> {
    let parts = match rpc.name.as_str() {
        "batch" => quote!(crate::request::batch::raw::PARTS),
        "broadcast" => quote!(crate::request::broadcast::PARTS),
        _ => return None,
    };
    Some(quote!(parts: ::core::option::Option::Some(#parts),))
}

/// Generates the members that find the payloads of a request by their numbers.
fn payloads(rpc: &Rpc, items: &[Item]) -> Option<TokenStream> {
    let request = find(items, &rpc.request)?;
    let payloads = fields(request).into_iter().filter(Field::is_plain_payload);
    let payloads = payloads.filter_map(|field| Some((tag(request, field.name)?, field.name)));
    let (tags, names): (Vec<u32>, Vec<&Ident>) = payloads.unzip();
    if tags.is_empty() {
        return None;
    }
    Some(quote! {
        payloads: &[#(#tags),*],
        payload: |request, tag| match tag {
            #(#tags => ::core::option::Option::Some(&mut request.#names),)*
            _ => ::core::option::Option::None,
        },
    })
}

/// Generates the impl of `ConsumerMethod`.
fn consumer_method(rpc: &Rpc) -> Item {
    let request = &rpc.request;
    parse_quote! {
        impl crate::request::ConsumerMethod for api::#request {}
    }
}

/// Generates the list of all methods' names.
fn names(rpcs: &[Rpc]) -> Item {
    let names = rpcs.iter().map(|rpc| &rpc.name);
    parse_quote! {
        /// The names of all methods of the schema that the crate was built from, as HTTP has them.
        pub const METHODS: &[&str] = &[#(#names),*];
    }
}

/// Generates the list of the methods that not every Centrifugo has, with the version that brought each, or nothing if
/// the schema's comments do not tell it, and true for those of Centrifugo PRO.
fn releases(rpcs: &[Rpc]) -> Item {
    let releases = rpcs.iter().filter_map(|rpc| {
        let name = &rpc.name;
        let since = rpc.since.as_deref().unwrap_or_default();
        let is_pro = facts(rpc).is_some_and(|facts| !facts.is_open_source);
        (is_pro || !since.is_empty()).then(|| quote!((#name, #since, #is_pro)))
    });
    parse_quote! {
        pub(crate) const RELEASES: &[(&str, &str, bool)] = &[#(#releases),*];
    }
}

/// Generates the path of `info` over gRPC, which older or unusual schemas may lack.
fn info_path(rpcs: &[Rpc]) -> Item {
    let first = rpcs.first().map_or("", |rpc| rpc.grpc_path.as_str());
    let service = first.rsplit_once('/').map_or("", |(service, _)| service);
    let path = format!("{service}/Info");
    parse_quote! {
        #[cfg_attr(not(feature = "_transport"), allow(dead_code))]
        pub(crate) const INFO_PATH: &str = #path;
    }
}

/// Generates the constant that says whether requests take idempotency keys, as in schemas since Centrifugo 5.2.
fn takes_keys(rpcs: &[Rpc], items: &[Item]) -> Item {
    let takes_keys = rpcs.iter().any(|rpc| is_keyed(rpc, items));
    parse_quote! {
        pub(crate) const TAKES_KEYS: bool = #takes_keys;
    }
}

/// Generates the functions about `Error.temporary`, which schemas have since Centrifugo 6.10.
fn temporary_flag(items: &[Item]) -> Item {
    let error = find(items, &parse_quote!(Error));
    let ty = error.and_then(|error| field_type(error, "temporary"));
    let is_flag = ty.is_some_and(|ty| is_named(ty, "bool"));
    let is_optional_flag = ty
        .and_then(|ty| inner(ty, "Option"))
        .is_some_and(|ty| is_named(ty, "bool"));
    let mut read = quote!(false);
    let mut write = quote!();
    if is_flag {
        read = quote!(self.temporary);
        write = quote!(self.temporary = temporary;);
    } else if is_optional_flag {
        read = quote!(self.temporary == Some(true));
        write = quote!(self.temporary = Some(temporary););
    }
    parse_quote! {
        impl Error {
            /// Returns whether the server said that the error is temporary.
            pub(crate) fn says_temporary(&self) -> bool {
                #read
            }
            #[allow(unused_variables)]
            pub(crate) fn say_temporary(&mut self, temporary: bool) {
                #write
            }
        }
    }
}
