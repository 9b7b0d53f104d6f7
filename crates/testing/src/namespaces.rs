//! All namespaces of a server.

use std::collections::BTreeMap;

use centrifugo_api::Error;

use crate::namespace::{ChannelOptions, Namespace};

/// All namespaces of a valid configuration, by name.
#[derive(Debug)]
pub(crate) struct Namespaces(BTreeMap<String, ChannelOptions>);

impl Namespaces {
    /// Validates the namespaces. The namespace with an empty name is for channels without one.
    pub(crate) fn checked(namespaces: Vec<Namespace>) -> Result<Self, Error> {
        let mut checked = BTreeMap::new();
        for namespace in namespaces {
            let name = namespace.name.clone();
            let label = if name.is_empty() {
                "without_namespace".to_owned()
            } else {
                format!("namespace `{name}`")
            };
            let channel = namespace
                .checked()
                .map_err(|problem| Error::Config(format!("{label}: {problem}")))?;
            if checked.insert(name, channel).is_some() {
                return Err(Error::Config(format!(
                    "{label} is configured twice: leave out one of the two"
                )));
            }
        }
        Ok(Self(checked))
    }

    /// Returns the options of a channel, or `None` if its namespace is not configured.
    pub(crate) fn options_of(&self, channel: &str) -> Option<&ChannelOptions> {
        let public_name = channel.strip_prefix('$').unwrap_or(channel);
        let namespace = public_name
            .split_once(':')
            .map_or("", |(namespace, _)| namespace);
        self.0.get(namespace)
    }
}
