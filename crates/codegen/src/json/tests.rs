//! Tests: output of pbjson-build that the rewriting refuses.

use quote::{ToTokens as _, quote};
use syn::parse_quote;

use super::counts::Counts;
use super::rewrite::{RenamedOneof, rewrite};

/// Counts of the code of one message with a payload.
const ONE_MESSAGE: Counts = Counts {
    messages: 1,
    payloads_read: 1,
    payloads_written: 1,
    payload_maps: 0,
    values_read: 1,
};

/// Returns what a release that is supported generates, shortened, with `extra` in it.
fn code(extra: &proc_macro2::TokenStream) -> syn::File {
    parse_quote! {
        fn serialize() {
            use serde::ser::SerializeStruct;
            struct_ser.serialize_field("data", pbjson::private::base64::encode(&self.data).as_str())?;
            #extra
        }
        fn deserialize() {
            data__ = Some(map_.next_value::<::pbjson::private::BytesDeserialize<_>>()?.0);
            let _ = map_.next_value::<serde::de::IgnoredAny>()?;
            deserializer.deserialize_struct("M", FIELDS, GeneratedVisitor)
        }
    }
}

fn refusal(extra: &proc_macro2::TokenStream) -> String {
    rewrite(&mut code(extra), Vec::new(), ONE_MESSAGE).expect_err("it is refused")
}

#[test]
fn known_code_is_rewritten() {
    let mut code = code(&quote!());
    rewrite(&mut code, Vec::new(), ONE_MESSAGE).expect("it is accepted");
    let expected: syn::File = parse_quote! {
        fn serialize() {
            use ::serde::ser::SerializeStruct;
            struct_ser.serialize_field("data", crate::api::json::base64::encode(&self.data).as_str())?;
        }
        fn deserialize() {
            data__ = Some(crate::api::json::next_payload(&mut map_)?.0);
            let _ = crate::api::json::NullAsDefault(&mut map_).next_value::<::serde::de::IgnoredAny>()?;
            crate::api::json::message(deserializer, "M", FIELDS, GeneratedVisitor)
        }
    };
    assert_eq!(
        code.to_token_stream().to_string(),
        expected.to_token_stream().to_string()
    );
}

#[test]
fn unknown_code_is_named_in_the_error() {
    for (extra, named) in [
        (
            quote!(pbjson::private::NumberDeserialize(x)),
            "pbjson::private::NumberDeserialize",
        ),
        (quote!(::pbjson::new(x)), "::pbjson::new"),
        (quote!(let x: HashMap<u8, u8>;), "HashMap<u8,u8>"),
        (quote!(ToString::to_string(x)), "ToString::to_string"),
        (quote!(x.to_string()), "x.to_string()"),
        (quote!(format!("{}", x)), "format!(\"{}\",x)"),
        (quote!(write!(x, "{}", x.to_string())), "x.to_string()"),
        (
            quote!(
                use pbjson::private::base64;
            ),
            "usepbjson::private::base64;",
        ),
        (quote!(alloc::vec::new()), "alloc::vec::new"),
    ] {
        assert_eq!(
            refusal(&extra),
            format!(
                "pbjson-build generated `{named}`: this release of pbjson-build is not supported. \
                 Use the one that is: `cargo update -p pbjson-build --precise 0.9.0`"
            )
        );
    }
}

#[test]
fn code_that_is_missing_or_too_much_is_refused() {
    for extra in [
        quote!(deserializer.deserialize_struct("N", FIELDS, GeneratedVisitor)),
        quote!(map_.next_value()?),
        quote!(map_.next_value::<::std::option::Option<::pbjson::private::BytesDeserialize<_>>>()?),
        quote!(pbjson::private::base64::encode(x)),
        quote!(let x: std::collections::HashMap<_, _>;),
    ] {
        let error = refusal(&extra);
        assert!(
            error.starts_with(
                "pbjson-build generated other code than the schema needs (found messages: "
            ),
            "{extra}: {error}"
        );
        assert!(
            error.contains(
                "; expected messages: 1, reads of payloads: 1, writes of payloads: 1, \
                 maps of payloads: 0, reads of other values: 1)"
            ),
            "{error}"
        );
    }
}

#[test]
fn oneof_under_another_name_must_be_found() {
    let renamed = || {
        vec![RenamedOneof::new(
            vec!["outer".to_owned(), "Kind".to_owned()],
            parse_quote!(KindOneOf),
        )]
    };
    let error = rewrite(&mut code(&quote!()), renamed(), ONE_MESSAGE).expect_err("it is refused");
    assert!(
        error.contains("nothing that names the oneof `outer::Kind`"),
        "{error}"
    );

    let mut code = code(&quote!(crate::api::messages::outer::Kind::Text(v)));
    rewrite(&mut code, renamed(), ONE_MESSAGE).expect("it is accepted");
    let code = code.to_token_stream().to_string();
    assert!(code.contains("outer :: KindOneOf :: Text (v)"), "{code}");
}
