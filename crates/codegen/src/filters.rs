//! Constructors for `FilterNode`, in schemas that have it. They know the words that Centrifugo
//! takes in its fields.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{ImplItem, Item, parse_quote};

use crate::fields::fields;
use crate::messages::find;

/// The fields that the constructors set.
const FIELDS: &[&str] = &["op", "key", "cmp", "val", "vals", "nodes"];

/// A constructor for the comparison of a label: the function, Centrifugo's word, and what it says
/// of the label.
type Comparison = (&'static str, &'static str, &'static str);

/// Comparisons with one value.
const WITH_VALUE: &[Comparison] = &[
    ("equals", "eq", "equals `value`"),
    ("not_equals", "neq", "does not equal `value`"),
    ("starts_with", "sw", "starts with `value`"),
    ("ends_with", "ew", "ends with `value`"),
    ("contains", "ct", "contains `value`"),
    ("greater", "gt", "is a number greater than `value`"),
    ("at_least", "gte", "is a number of at least `value`"),
    ("less", "lt", "is a number less than `value`"),
    ("at_most", "lte", "is a number of at most `value`"),
];

/// Comparisons with several values.
const WITH_VALUES: &[Comparison] = &[
    ("one_of", "in", "is one of `values`"),
    ("none_of", "nin", "is none of `values`"),
];

/// Comparisons without a value.
const WITHOUT_VALUE: &[Comparison] = &[
    ("exists", "ex", "exists"),
    ("missing", "nex", "does not exist"),
];

/// Combinations of several nodes: the function, Centrifugo's word, and its documentation.
const COMBINATIONS: &[(&str, &str, &str)] = &[
    ("all", "and", "Matches if all `nodes` match."),
    ("any", "or", "Matches if any of `nodes` matches."),
];

/// Generates the constructors, if the schema has the message and no field of it has a constructor's
/// name.
pub(crate) fn constructors(items: &[Item]) -> Option<Item> {
    let fields = fields(find(items, &parse_quote!(FilterNode))?);
    let names: Vec<String> = fields.iter().map(|field| field.plain_name()).collect();
    let has_fields = FIELDS
        .iter()
        .all(|field| names.iter().any(|name| name == field));
    let is_taken = functions().any(|function| names.iter().any(|name| name == function));
    if !has_fields || is_taken {
        return None;
    }
    let with_value = WITH_VALUE.iter().map(comparison_with_value);
    let with_values = WITH_VALUES.iter().map(comparison_with_values);
    let without_value = WITHOUT_VALUE.iter().map(comparison_without_value);
    let combinations = COMBINATIONS.iter().map(combination);
    Some(parse_quote! {
        /// # Conditions
        impl FilterNode {
            #(#with_value)*
            #(#with_values)*
            #(#without_value)*
            #(#combinations)*
            /// Matches if `node` does not match.
            #[must_use]
            pub fn negated(node: Self) -> Self {
                Self::new().op("not").nodes([node])
            }
        }
    })
}

/// Returns the names of the constructors.
fn functions() -> impl Iterator<Item = &'static str> {
    [WITH_VALUE, WITH_VALUES, WITHOUT_VALUE, COMBINATIONS]
        .into_iter()
        .flatten()
        .map(|(function, ..)| *function)
        .chain(["negated"])
}

fn comparison_with_value(comparison: &Comparison) -> ImplItem {
    let argument = quote!(, value: impl ::core::convert::Into<::std::string::String>);
    comparison_of(comparison, &argument, &quote!(.val(value)))
}

fn comparison_with_values(comparison: &Comparison) -> ImplItem {
    let argument = quote!(, values: impl ::core::iter::IntoIterator<Item = impl ::core::convert::Into<::std::string::String>>);
    comparison_of(comparison, &argument, &quote!(.vals(values)))
}

fn comparison_without_value(comparison: &Comparison) -> ImplItem {
    comparison_of(comparison, &quote!(), &quote!())
}

/// Generates a comparison, whose second argument and setter are given.
fn comparison_of(
    (function, word, condition): &Comparison,
    argument: &TokenStream,
    setter: &TokenStream,
) -> ImplItem {
    let name = format_ident!("{function}");
    let docs = format!(" Matches if the label `key` {condition}.");
    parse_quote! {
        #[doc = #docs]
        #[must_use]
        pub fn #name(key: impl ::core::convert::Into<::std::string::String> #argument) -> Self {
            Self::new().key(key).cmp(#word) #setter
        }
    }
}

fn combination((function, word, docs): &(&str, &str, &str)) -> ImplItem {
    let name = format_ident!("{function}");
    let docs = format!(" {docs}");
    parse_quote! {
        #[doc = #docs]
        #[must_use]
        pub fn #name(nodes: impl ::core::iter::IntoIterator<Item = Self>) -> Self {
            Self::new().op(#word).nodes(nodes)
        }
    }
}
