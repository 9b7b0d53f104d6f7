//! What an answer overrides of a namespace's options, for the subscriptions of `Connect` and `Subscribe`.
