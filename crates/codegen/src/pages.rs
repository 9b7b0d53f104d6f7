//! Pages: the methods whose results come in pages, by the shape of their requests and results.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, parse_quote};

use crate::fields::{Field, fields_of};
use crate::rpcs::Rpc;

/// Generates the `Paged` impl of each request whose results come in pages.
pub(crate) fn impls(items: &[Item], rpcs: &[Rpc]) -> Vec<Item> {
    let mut impls = Vec::new();
    for rpc in rpcs {
        if let Some(shape) = shape(items, rpc) {
            impls.push(paged(rpc, shape));
            impls.extend(itemized(rpc, shape, &fields_of(items, &rpc.result)));
        }
    }
    impls
}

/// The shapes of requests and results that come in pages.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// A list; the result has a `next_cursor`.
    List,
    /// The entries of a map channel; the result has a `cursor`.
    MapState,
    /// The publications of a channel, from a position on.
    History,
    /// The changes of a map channel, from an offset and an epoch on.
    MapStream,
}

/// Returns the shape of a method's pages, if its results come in pages.
pub(crate) fn shape(items: &[Item], rpc: &Rpc) -> Option<Shape> {
    let request = fields_of(items, &rpc.request);
    let result = fields_of(items, &rpc.result);
    if has(&request, &["cursor", "limit"]) && has(&result, &["next_cursor"]) {
        Some(Shape::List)
    } else if has(
        &request,
        &[
            "cursor",
            "limit",
            "key",
            "revision_offset",
            "revision_epoch",
        ],
    ) && has(&result, &["cursor", "entries", "epoch", "offset"])
    {
        Some(Shape::MapState)
    } else if has(&request, &["since", "limit", "reverse"])
        && has(&result, &["publications", "epoch", "offset"])
    {
        Some(Shape::History)
    } else if has(
        &request,
        &["since_offset", "since_epoch", "limit", "reverse"],
    ) && has(&result, &["entries", "epoch", "offset"])
    {
        Some(Shape::MapStream)
    } else {
        None
    }
}

fn has(fields: &[Field<'_>], names: &[&str]) -> bool {
    names
        .iter()
        .all(|name| fields.iter().any(|field| field.plain_name() == *name))
}

fn paged(rpc: &Rpc, shape: Shape) -> Item {
    let request = &rpc.request;
    let advance = advance(shape);
    let gaps = gaps(shape);
    parse_quote! {
        impl crate::request::pages::Paged for api::#request {
            fn advance(&mut self, result: &Self::Result) -> bool {
                #advance
            }

            #gaps

            fn set_default_limit(&mut self) {
                if self.limit == 0 {
                    self.limit = crate::request::pages::DEFAULT_LIMIT;
                }
            }
        }
    }
}

/// Generates the `Itemized` impl of a request whose pages are lists of messages.
fn itemized(rpc: &Rpc, shape: Shape, result: &[Field<'_>]) -> Option<Item> {
    let mut lists = result
        .iter()
        .filter(|field| field.listed_message().is_some());
    let list = lists.next().filter(|_| lists.next().is_none())?;
    let request = &rpc.request;
    let name = list.name;
    let item = list.listed_message()?;
    let position = match shape {
        Shape::List | Shape::MapState => TokenStream::new(),
        Shape::History => quote! {
            fn epoch(result: &Self::Result) -> &str {
                &result.epoch
            }

            fn go_behind(&mut self, item: &Self::Item, epoch: &str) {
                let since = self.since.get_or_insert_with(::core::default::Default::default);
                since.offset = item.offset;
                if since.epoch != epoch {
                    since.epoch = epoch.into();
                }
            }
        },
        Shape::MapStream => quote! {
            fn epoch(result: &Self::Result) -> &str {
                &result.epoch
            }

            fn go_behind(&mut self, item: &Self::Item, epoch: &str) {
                self.since_offset = item.offset;
                if self.since_epoch != epoch {
                    self.since_epoch = epoch.into();
                }
            }
        },
    };
    Some(parse_quote! {
        impl crate::request::items::Itemized for api::#request {
            type Item = api::#item;

            fn items(result: Self::Result) -> ::std::vec::Vec<Self::Item> {
                result.#name
            }

            #position
        }
    })
}

/// Generates the body of `advance`, which makes a request ask for the next page.
fn advance(shape: Shape) -> TokenStream {
    match shape {
        Shape::List => quote! {
            self.cursor.clone_from(&result.next_cursor);
            !self.cursor.is_empty()
        },
        // All pages must be of one stream: the first one decides.
        Shape::MapState => quote! {
            if self.revision_epoch.is_empty() {
                self.revision_offset = result.offset;
                self.revision_epoch.clone_from(&result.epoch);
            }
            self.cursor.clone_from(&result.cursor);
            !self.cursor.is_empty() && self.key.is_empty()
        },
        Shape::History => quote! {
            let ::core::option::Option::Some(last) = result.publications.last() else { return false };
            self.since = ::core::option::Option::Some(api::StreamPosition {
                offset: last.offset,
                epoch: result.epoch.clone(),
            });
            crate::request::pages::may_go_on(self.limit, result.publications.len(), self.reverse, last.offset, result.offset)
        },
        Shape::MapStream => quote! {
            let ::core::option::Option::Some(last) = result.entries.last() else { return false };
            self.since_offset = last.offset;
            self.since_epoch.clone_from(&result.epoch);
            crate::request::pages::may_go_on(self.limit, result.entries.len(), self.reverse, last.offset, result.offset)
        },
    }
}

/// Generates `missing` and `skip_to`, for results with a position in a stream.
fn gaps(shape: Shape) -> TokenStream {
    let missing = match shape {
        Shape::List => return TokenStream::new(),
        Shape::MapState => {
            return quote! {
                fn missing(&self, result: &Self::Result) -> crate::request::pages::Missing {
                    use crate::request::pages::{Missing, is_other_stream};
                    if is_other_stream(&self.revision_epoch, &result.epoch) {
                        Missing::Stream
                    } else {
                        Missing::Nothing
                    }
                }
            };
        }
        Shape::History => quote! {
            let ::core::option::Option::Some(since) = &self.since else { return Missing::Nothing };
            let since = Position { offset: since.offset, epoch: &since.epoch };
            let first = result.publications.first().map(|publication| publication.offset);
        },
        Shape::MapStream => quote! {
            if self.since_offset == 0 && self.since_epoch.is_empty() {
                return Missing::Nothing;
            }
            let since = Position { offset: self.since_offset, epoch: &self.since_epoch };
            let first = result.entries.first().map(|entry| entry.offset);
        },
    };
    let skip_to = if matches!(shape, Shape::History) {
        quote! {
            if let ::core::option::Option::Some(since) = &mut self.since {
                since.offset = offset;
            }
        }
    } else {
        quote! { self.since_offset = offset; }
    };
    quote! {
        fn missing(&self, result: &Self::Result) -> crate::request::pages::Missing {
            use crate::request::pages::{Missing, Position, missing};
            #missing
            let top = Position { offset: result.offset, epoch: &result.epoch };
            missing(since, self.reverse, first, top)
        }

        fn skip_to(&mut self, offset: u64) {
            #skip_to
        }
    }
}
