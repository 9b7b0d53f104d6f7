//! Functions that several replies have.

/// Adds functions to a reply, whose message is `self.result`.
macro_rules! setters {
    ($reply:ty: $($name:ident),+ $(,)?) => {
        impl $reply {
            $($crate::reply::setters::setter!($name);)+
        }
    };
}

macro_rules! setter {
    (info) => {
        /// Sets the information about the client in this channel, or in all of them: the field `chan_info` or `conn_info` of
        /// presence, joins and publications.
        ///
        /// Text must already be JSON: [`json`](crate::json) makes it from a value.
        pub fn info(mut self, info: impl ::centrifugo_api::IntoPayload) -> Self {
            self.info = Some(info.into_payload());
            self
        }
    };
    (data) => {
        /// Sets the data that the client gets with the reply.
        ///
        /// Text must already be JSON: [`json`](crate::json) makes it from a value.
        pub fn data(mut self, data: impl ::centrifugo_api::IntoPayload) -> Self {
            self.data = Some(data.into_payload());
            self
        }
    };
    (connection_expiry) => {
        $crate::reply::setters::expiry! {
            "Register `refresh` too. Without it Centrifugo tells the client when it expires, and SDKs ask their `getToken` then: a \
             client without one is disconnected ('unauthorized') and does not come back.",
            "With a time in the past the client gets error 110 ('expired') instead of a connection, and does not try again."
        }
    };
    (subscription_expiry) => {
        $crate::reply::setters::expiry! {
            "Register `sub_refresh` too. Without it Centrifugo tells the client when it expires, and SDKs ask the `getToken` of the \
             subscription then: one without it is unsubscribed ('unauthorized') and does not come back.",
            "With a time in the past the client gets error 110 ('expired') instead of a subscription, and does not try again."
        }
    };
    (presence) => {
        /// Turns on or off that presence lists this subscription, whatever the namespace says.
        ///
        /// Presence can be read only where the namespace has it: [`ChannelOptions`](crate::ChannelOptions) with
        /// `.option("presence", true)`. Elsewhere reading is error 108. Clients that are to read it also need
        /// `.option("allow_presence_for_subscriber", true)`.
        pub fn presence(mut self, on: bool) -> Self {
            self.overrides().presence = Some(on.into());
            self
        }

        /// Turns join and leave events on or off for this subscription, whatever the namespace says.
        pub fn join_leave(mut self, on: bool) -> Self {
            self.overrides().join_leave = Some(on.into());
            self
        }

        /// Turns on or off that the client gets join and leave events without asking for them.
        pub fn force_push_join_leave(mut self, on: bool) -> Self {
            self.overrides().force_push_join_leave = Some(on.into());
            self
        }

        fn overrides(&mut self) -> &mut $crate::messages::SubscribeOptionOverride {
            self.result.r#override.get_or_insert_default()
        }
    };
    (recovery) => {
        /// Turns on or off that the client recovers missed publications without asking for it. It needs a history.
        pub fn force_recovery(mut self, on: bool) -> Self {
            self.overrides().force_recovery = Some(on.into());
            self
        }

        /// Turns on or off that Centrifugo checks the position of the subscription.
        pub fn force_positioning(mut self, on: bool) -> Self {
            self.overrides().force_positioning = Some(on.into());
            self
        }
    };
    (meta) => {
        /// Sets the connection's `meta`, which clients never see. Proxies with the option `include_connection_meta` send it
        /// with later events.
        ///
        /// It must always be JSON, and so must text: [`json`](crate::json) makes it from a value.
        pub fn meta(mut self, meta: impl ::centrifugo_api::IntoPayload) -> Self {
            self.meta = Some(meta.into_payload());
            self
        }
    };
    (caps) => {
        /// Sets what the client may do in which channels. Centrifugo PRO.
        pub fn caps(
            mut self,
            caps: impl IntoIterator<Item = $crate::messages::ChannelsCapability>,
        ) -> Self {
            self.result.caps = caps.into_iter().collect();
            self
        }
    };
    (tags) => {
        /// Sets the tags of the publication.
        pub fn tags<K: Into<String>, V: Into<String>>(
            mut self,
            tags: impl IntoIterator<Item = (K, V)>,
        ) -> Self {
            let tags = tags.into_iter();
            self.result.tags = tags
                .map(|(key, value)| (key.into(), value.into()))
                .collect();
            self
        }
    };
    (idempotency_key) => {
        /// Sets the key by which Centrifugo drops a repetition within 5 minutes.
        pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
            self.result.idempotency_key = key.into();
            self
        }
    };
    (key) => {
        /// Changes another key of the map than the one that the client named.
        pub fn key(mut self, key: impl Into<String>) -> Self {
            self.result.key = key.into();
            self
        }
    };
    (versions) => {
        /// Sets the version of the publication: Centrifugo drops it if the channel has that version or a newer one already.
        pub fn version(mut self, version: u64) -> Self {
            self.result.version = version;
            self
        }

        /// Sets the epoch of the version. Versions of different epochs are not compared: the publication is made.
        pub fn version_epoch(mut self, epoch: impl Into<String>) -> Self {
            self.result.version_epoch = epoch.into();
            self
        }

        /// Lets clients that support deltas get the difference to the publication before.
        pub fn delta(mut self, on: bool) -> Self {
            self.result.delta = on;
            self
        }
    };
    (replaced_data) => {
        /// Publishes this instead of the client's payload. It must not be empty.
        ///
        /// Text must already be JSON: [`json`](crate::json) makes it from a value.
        pub fn data(mut self, data: impl ::centrifugo_api::IntoPayload) -> Self {
            self.data = Some(data.into_payload());
            self
        }
    };
}

/// Adds `expire_at` and `expire_in`. The texts say what else is needed, and what a time in the past does.
macro_rules! expiry {
    ($needs:literal, $past:literal) => {
        /// Sets when it expires, rounded up to whole seconds; it does not expire by default.
        ///
        #[doc = $needs]
        ///
        #[doc = $past]
        pub fn expire_at(mut self, time: ::std::time::SystemTime) -> Self {
            self.result.expire_at = $crate::reply::format::seconds(time);
            self.expire_in = None;
            self
        }

        /// Sets in how long it expires, at least one second: see [`expire_at`](Self::expire_at).
        ///
        #[doc = $needs]
        pub fn expire_in(mut self, duration: ::std::time::Duration) -> Self {
            self.expire_in = Some(duration);
            self
        }
    };
}

pub(crate) use {expiry, setter, setters};

/// Writes a payload into a message's field and its twin.
macro_rules! write_twins {
    ($format:expr, $payload:expr, $result:expr, $field:ident, $twin:ident) => {
        if let Some(payload) = $payload {
            ($result.$field, $result.$twin) = $format.twins(stringify!($field), payload)?;
        }
    };
}

pub(crate) use write_twins;

/// Writes the time at which something expires that was set as a duration.
macro_rules! write_expire_in {
    ($format:expr, $reply:expr) => {
        if let Some(duration) = $reply.expire_in {
            $reply.result.expire_at = $format.seconds_in(duration);
        }
    };
}

pub(crate) use write_expire_in;

/// Adds `edit` to a reply, whose message is `self.result`.
macro_rules! edit {
    ($reply:ident, $result:ident) => {
        impl $reply {
            /// Changes the generated message, such as a field that a schema of your own adds.
            ///
            /// Payloads are not in it yet.
            pub fn edit(mut self, change: impl FnOnce(&mut $crate::messages::$result)) -> Self {
                change(&mut self.result);
                self
            }
        }
    };
}

pub(crate) use edit;
