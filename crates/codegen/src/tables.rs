//! The tables of a schema: the names of its methods, the releases that brought them, and what only some schemas have.

use quote::quote;
use syn::{Item, parse_quote};

use crate::fields::inner;
use crate::keys::is_keyed;
use crate::messages::{field_type, find, is_named};
use crate::rpcs::Rpc;

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
        let is_pro = rpc.facts().is_some_and(|facts| !facts.is_open_source);
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
