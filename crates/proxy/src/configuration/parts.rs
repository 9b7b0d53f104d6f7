//! The parts of the configuration, as the handlers need them.

use serde_json::{Map, Value};

use super::ProxyConfiguration;
use super::names::{self, Part};
use super::proxies::Proxies;
use super::section::{Node, Section};
use crate::error::Error;
use crate::event::EventKind;

impl ProxyConfiguration {
    /// Returns the whole configuration, checked.
    pub(super) fn section(&self) -> Result<Section, Error> {
        if self.handlers.kinds().next().is_none() {
            return Err(Error::new(
                "the handlers have no function: register one, such as `Handlers::connect`",
            ));
        }
        let proxies = Proxies::new(&self.settings, &self.handlers)?;
        let mut client = Section::default();
        client.add("proxy", self.proxies(&proxies, Part::Client)?);
        let mut section = Section::default();
        section.add("client", client);
        section.add("channel", self.channel(&proxies)?);
        section.add("rpc", self.rpc(&proxies)?);
        section.add("shared_poll", self.shared_poll()?);
        for json in &self.others {
            merge(&mut section, json)?;
        }
        Ok(section)
    }

    /// Returns the proxies of the registered handlers in a part of the configuration.
    fn proxies(&self, proxies: &Proxies<'_>, part: Part) -> Result<Section, Error> {
        let mut section = Section::default();
        let mut last = "";
        for kind in self.handlers.kinds() {
            let name = names::proxy(kind);
            // Both kinds of streams have one.
            if names::part(kind) == part && name != last {
                section.add(name, proxies.section(kind)?);
                last = name;
            }
        }
        Ok(section)
    }

    fn channel(&self, proxies: &Proxies<'_>) -> Result<Section, Error> {
        check_unique(self.channels.iter().map(|(name, _)| name))?;
        let mut channel = Section::default();
        channel.add("proxy", self.proxies(proxies, Part::Channel)?);
        let mut namespaces = Vec::new();
        for (name, options) in &self.channels {
            let mut section = Section::default();
            let Some(name) = name else {
                options.add_to(&mut section, "`without_namespace`", &self.handlers)?;
                channel.add("without_namespace", section);
                continue;
            };
            names::check_namespace(name, "without_namespace")?;
            section.set("name", &**name);
            options.add_to(
                &mut section,
                &format!("the namespace `{name}`"),
                &self.handlers,
            )?;
            namespaces.push(section);
        }
        if !namespaces.is_empty() {
            channel.push("namespaces", Node::List(namespaces));
        }
        self.check_called()?;
        Ok(channel)
    }

    /// Checks that each handler of channels is called.
    fn check_called(&self) -> Result<(), Error> {
        let mut kinds = self.handlers.kinds();
        let is_unused = |kind: &EventKind| {
            let is_asked_for = self.channels.iter().any(|(_, options)| options.has(*kind));
            names::part(*kind) == Part::Channel && !is_asked_for
        };
        match kinds.find(is_unused) {
            None => Ok(()),
            Some(kind) => Err(Error::new(format!(
                "nobody calls the handler of `{kind}`: name it in a `namespace` or `without_namespace`"
            ))),
        }
    }

    fn rpc(&self, proxies: &Proxies<'_>) -> Result<Section, Error> {
        check_unique(self.methods.iter())?;
        let mut rpc = Section::default();
        if !self.has(EventKind::Rpc) {
            if self.methods.is_empty() {
                return Ok(rpc);
            }
            return Err(Error::new(
                "there is a namespace of methods, but no handler: register one by `Handlers::rpc`",
            ));
        }
        if self.methods.is_empty() {
            return Err(Error::new(
                "nobody calls the handler of `rpc`: call `rpc_namespace` or `rpc_without_namespace`",
            ));
        }
        rpc.push("proxy", Node::Section(proxies.section(EventKind::Rpc)?));
        let mut namespaces = Vec::new();
        for name in &self.methods {
            let mut section = Section::default();
            if let Some(name) = name {
                names::check_namespace(name, "rpc_without_namespace")?;
                section.set("name", &**name);
            }
            section.set("proxy_enabled", true);
            match name {
                Some(_) => namespaces.push(section),
                None => rpc.add("without_namespace", section),
            }
        }
        if !namespaces.is_empty() {
            rpc.push("namespaces", Node::List(namespaces));
        }
        Ok(rpc)
    }

    fn shared_poll(&self) -> Result<Section, Error> {
        let mut section = Section::default();
        match &self.shared_poll_secret {
            None if self.has(EventKind::SharedPollRefresh) => {
                return Err(Error::new(
                    "shared polls need the secret by which their keys are signed: call `shared_poll_secret`",
                ));
            }
            Some(secret) if secret.is_empty() || secret.contains('\0') => {
                return Err(Error::new(
                    "the secret of shared polls is empty or has a zero byte, which no variable of the environment can have",
                ));
            }
            Some(secret) => section.set("hmac_secret_key", &**secret),
            None => {}
        }
        Ok(section)
    }

    fn has(&self, kind: EventKind) -> bool {
        self.handlers.parts().table.has(kind)
    }
}

/// Adds a part of the configuration that is not of handlers.
fn merge(section: &mut Section, json: &str) -> Result<(), Error> {
    let options: Map<String, Value> = serde_json::from_str(json).map_err(|error| {
        Error::new(format!(
            "a part that is merged into the configuration is not a JSON object: {error}"
        ))
    })?;
    section.merge(options.into()).map_err(|path| {
        Error::new(format!(
            "`{path}` is set twice: leave it out of what is merged into the configuration"
        ))
    })
}

/// Checks that no namespace is there twice.
fn check_unique<'a>(names: impl Iterator<Item = &'a Option<String>>) -> Result<(), Error> {
    let mut seen: Vec<&Option<String>> = Vec::new();
    for name in names {
        if seen.contains(&name) {
            let name = name.as_deref().unwrap_or("without_namespace");
            return Err(Error::new(format!(
                "`{name}` is there twice: name all of its events at once"
            )));
        }
        seen.push(name);
    }
    Ok(())
}
