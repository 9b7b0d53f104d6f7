//! Clients that call methods: the rpc proxy.

use bytes::Bytes;
use centrifugo_proxy::EventKind;
use centrifugo_proxy::messages::RpcRequest;

use super::asker::request_of;
use super::client::ProxiedConnection;
use super::refusal::{Refusal, accepted};
use super::subscribe::{check_payload, decoded};
use super::{Methods, Proxies};
use crate::errors::{not_available, not_found};
use crate::state::connections::{BAD_REQUEST, INAPPROPRIATE_PROTOCOL};

impl ProxiedConnection {
    pub(super) async fn proxied_rpc(&self, method: &str, data: Bytes) -> Result<Bytes, Refusal> {
        let asker = self.asker()?;
        check_payload(&asker, &data, BAD_REQUEST)?;
        let engine = self.connection.engine();
        let name = engine.proxies.of_method(method)?;
        let proxy = engine.proxies.named(EventKind::Rpc, name)?;
        let mut request = request_of!(RpcRequest, asker, proxy, connected);
        method.clone_into(&mut request.method);
        (request.data, request.b64data) = proxy.twins(data);
        let answer = engine.ask(&proxy, request, &asker).await;
        let response = accepted::<RpcRequest>(answer, &proxy.options)?;
        let result = response.result.unwrap_or_default();
        let data = decoded(&result.data, &result.b64data)?;
        check_payload(&asker, &data, INAPPROPRIATE_PROTOCOL)?;
        Ok(data)
    }
}

impl Proxies {
    /// Returns the name of the proxy for a method.
    fn of_method(&self, method: &str) -> Result<&str, Refusal> {
        if !self.methods.has_proxy() {
            return Err(not_available().into());
        }
        let name = match method.split_once(':') {
            None | Some(("", _)) => &self.methods.without_namespace,
            Some((namespace, _)) => {
                let namespace = self.methods.namespaces.get(namespace);
                namespace.ok_or_else(not_found)?
            }
        };
        let name = name.as_deref().ok_or_else(not_available)?;
        Ok(name)
    }
}

impl Methods {
    /// Returns whether a proxy is asked about any method.
    fn has_proxy(&self) -> bool {
        self.without_namespace.is_some() || self.namespaces.values().any(Option::is_some)
    }
}
