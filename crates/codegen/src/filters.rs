//! Constructors for `FilterNode`, in schemas that have it: its fields take agreed words, which these know.

use quote::{format_ident, quote};
use syn::{ImplItem, Item, parse_quote};

use crate::messages::find;
use crate::requests;

/// The fields that the constructors set.
const FIELDS: &[&str] = &["op", "key", "cmp", "val", "vals", "nodes"];

/// Comparisons with one value: function, word, what it says of the label.
const WITH_VALUE: &[(&str, &str, &str)] = &[
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
const WITH_VALUES: &[(&str, &str, &str)] = &[
    ("one_of", "in", "is one of `values`"),
    ("none_of", "nin", "is none of `values`"),
];

/// Comparisons with none.
const ALONE: &[(&str, &str, &str)] = &[
    ("exists", "ex", "exists"),
    ("missing", "nex", "does not exist"),
];

/// Combinations of several conditions.
const COMBINED: &[(&str, &str, &str)] = &[("all", "and", "all"), ("any", "or", "any")];

/// The constructors, if the schema has the message.
pub(crate) fn constructors(items: &[Item]) -> Option<Item> {
    let fields = requests::fields(find(items, &parse_quote!(FilterNode))?);
    if !FIELDS
        .iter()
        .all(|name| fields.iter().any(|field| field.plain_name() == *name))
    {
        return None;
    }
    let functions = [WITH_VALUE, WITH_VALUES, ALONE, COMBINED]
        .into_iter()
        .flatten()
        .map(|(function, ..)| *function);
    if functions
        .chain(["negated"])
        .any(|function| fields.iter().any(|field| field.plain_name() == function))
    {
        return None;
    }
    let with_value = WITH_VALUE.iter().map(|row| compare(row, true, false));
    let with_values = WITH_VALUES.iter().map(|row| compare(row, false, true));
    let alone = ALONE.iter().map(|row| compare(row, false, false));
    let combined = COMBINED.iter().map(combine);
    Some(parse_quote! {
        /// # Conditions
        impl FilterNode {
            #(#with_value)*
            #(#with_values)*
            #(#alone)*
            #(#combined)*
            /// Holds where `node` does not.
            #[must_use]
            pub fn negated(node: Self) -> Self {
                Self::new().op("not").nodes([node])
            }
        }
    })
}

fn compare((function, word, says): &(&str, &str, &str), value: bool, values: bool) -> ImplItem {
    let name = format_ident!("{function}");
    let docs = format!(" Holds where the label `key` {says}.");
    let (argument, setter) = match (value, values) {
        (true, _) => (
            quote!(, value: impl ::core::convert::Into<::std::string::String>),
            quote!(.val(value)),
        ),
        (_, true) => (
            quote!(, values: impl ::core::iter::IntoIterator<Item = impl ::core::convert::Into<::std::string::String>>),
            quote!(.vals(values)),
        ),
        _ => (quote!(), quote!()),
    };
    parse_quote! {
        #[doc = #docs]
        #[must_use]
        pub fn #name(key: impl ::core::convert::Into<::std::string::String> #argument) -> Self {
            Self::new().key(key).cmp(#word) #setter
        }
    }
}

fn combine((function, word, says): &(&str, &str, &str)) -> ImplItem {
    let name = format_ident!("{function}");
    let docs = format!(" Holds where {says} of `nodes` do.");
    parse_quote! {
        #[doc = #docs]
        #[must_use]
        pub fn #name(nodes: impl ::core::iter::IntoIterator<Item = Self>) -> Self {
            Self::new().op(#word).nodes(nodes)
        }
    }
}
