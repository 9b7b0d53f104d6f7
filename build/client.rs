//! The client's methods: one a rpc, each a line over `call`.

use quote::format_ident;
use syn::{File, Ident, ImplItem, parse_quote};

use super::methods::Rpc;

/// Names that the hand-written part of the client has taken; an rpc of that name gets a `_` behind it.
const TAKEN: &[&str] = &["builder", "call", "new", "with_timeout"];

/// The file with the generated methods.
pub fn methods(rpcs: &[Rpc]) -> File {
    let methods = rpcs.iter().map(method);
    parse_quote! {
        /// # Centrifugo's methods
        impl Client {
            #(#methods)*
        }
    }
}

fn method(rpc: &Rpc) -> ImplItem {
    let name = rust_name(&rpc.name);
    let (docs, request, result) = (&rpc.docs, &rpc.request, rpc.result());
    parse_quote! {
        #(#docs)*
        pub async fn #name(
            &self,
            request: crate::api::#request,
        ) -> ::core::result::Result<crate::api::#result, crate::Error> {
            self.call(request).await
        }
    }
}

fn rust_name(name: &str) -> Ident {
    match syn::parse_str::<Ident>(name) {
        Ok(name) if TAKEN.iter().any(|taken| name == taken) => format_ident!("{name}_"),
        Ok(name) => name,
        Err(_) => Ident::new_raw(name, proc_macro2::Span::call_site()),
    }
}
