//! The gRPC API: unary calls, by the path of the method.

mod code;
mod request;
mod status;

use std::collections::HashSet;
use std::fmt;

use bytes::{BufMut as _, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response};
use hyper::body::Incoming;

use self::request::{PREFIX, read_message};
use self::status::{Refusal, api_error_response};
use crate::engine::{EncodedReply, ROUTES, Route};
use crate::recorder::Endpoint;
use crate::wire::body::ResponseBody;
use crate::wire::{Service, is_transport_mode, protobuf};

pub(super) use self::status::error_response;

pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

impl Service {
    pub(super) async fn grpc(&self, request: Request<Incoming>) -> Response<ResponseBody> {
        match self.try_grpc(request).await {
            Ok(response) => response,
            Err(refusal) => error_response(refusal.code, &refusal.message),
        }
    }

    async fn try_grpc(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let (head, body) = request.into_parts();
        let route = route(head.uri.path())?;
        let limit = self.config.max_receive_message_size;
        let raw_request = read_message(&head.headers, body, limit).await?;
        // As in Go, the request is read before the key is checked.
        let request = protobuf::known_fields(route.request, raw_request).map_err(undecodable)?;
        (route.check)(request.clone()).map_err(undecodable)?;
        self.authorize(&head.headers)?;
        if !self.engine.serves(route) {
            let message = format!("method {} not implemented", route.rpc);
            return Err(Refusal::new(code::UNIMPLEMENTED, message));
        }
        self.record(route, Endpoint::Grpc, &head.headers, &request);
        let fault = self.take_fault(route, Endpoint::Grpc, &request);
        if let Some(response) = self.fault_before_call(fault.as_ref()).await {
            return Ok(response);
        }
        let transport_mode =
            self.config.grpc_error_mode_transport || is_transport_mode(&head.headers);
        let reply = self
            .run(route, request, &HashSet::new())
            .map_err(undecodable)?;
        let response = encode_response(route, reply, transport_mode);
        Ok(self.fault_after_call(fault.as_ref(), response).await)
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(key) = &self.config.grpc_key else {
            return Ok(());
        };
        match headers.get("authorization") {
            Some(given) if given.as_bytes() == format!("apikey {key}").as_bytes() => Ok(()),
            _ => Err(Refusal::new(code::UNAUTHENTICATED, "unauthenticated")),
        }
    }
}

fn undecodable(error: impl fmt::Display) -> Refusal {
    Refusal::new(
        code::INTERNAL,
        format!("grpc: error unmarshalling request: {error}"),
    )
}

fn route(path: &str) -> Result<&'static Route, Refusal> {
    if let Some(route) = ROUTES.iter().find(|route| route.grpc_path == path) {
        return Ok(route);
    }
    let known_service = ROUTES
        .first()
        .and_then(|route| route.grpc_path.strip_prefix('/')?.split('/').next());
    let message = match path.trim_start_matches('/').rsplit_once('/') {
        Some((service, method)) if Some(service) == known_service => {
            format!("unknown method {method} for service {service}")
        }
        Some((service, _)) => format!("unknown service {service}"),
        None => format!("malformed method name: {path:?}"),
    };
    Err(Refusal::new(code::UNIMPLEMENTED, message))
}

fn encode_response(
    route: &Route,
    reply: EncodedReply,
    transport_mode: bool,
) -> Response<ResponseBody> {
    if let Some(error) = &reply.error
        && (transport_mode || !route.has_error)
    {
        return api_error_response(error);
    }
    let length = reply.protobuf.len();
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    frame.put_slice(&reply.protobuf);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let mut response = Response::new(ResponseBody::with_trailers(frame.freeze(), trailers));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}
