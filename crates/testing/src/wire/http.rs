//! The HTTP API: JSON at the path of each method, and command lines at the base URL.

use std::borrow::Cow;

use bytes::Bytes;
use centrifugo_api::{ApiError, api};
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::engine::{EncodedReply, ROUTES, Route};
use crate::json;
use crate::recorder::Endpoint;
use crate::wire::body::ResponseBody;
use crate::wire::{Service, is_transport_mode, path};

/// The target of a request, by its path.
enum Target {
    Method(&'static Route),
    CommandLines,
    Health,
    NotFound,
}

impl Service {
    pub(super) async fn http(&self, request: Request<Incoming>) -> Response<ResponseBody> {
        let (head, body) = request.into_parts();
        if let Some(clean) = path::cleaned(head.uri.path()) {
            return redirect(&clean, &head);
        }
        let route = match self.target(head.uri.path()) {
            Target::NotFound => return text(StatusCode::NOT_FOUND, "404 page not found\n"),
            Target::Health => return json_response(b"{}".to_vec()),
            Target::Method(route) => Some(route),
            Target::CommandLines => None,
        };
        if head.method != Method::POST {
            return empty(StatusCode::METHOD_NOT_ALLOWED);
        }
        if !self.is_authorized(&head.headers, head.uri.query()) {
            return empty(StatusCode::UNAUTHORIZED);
        }
        let Ok(body) = body.collect().await else {
            // The client disconnected.
            return bad_request();
        };
        let body = body.to_bytes();
        match route {
            Some(route) => self.method(route, &head.headers, &body).await,
            None => self.command_lines(&head.headers, &body).await,
        }
    }

    fn target(&self, path: &str) -> Target {
        let path = if path.contains('%') {
            let decoded = path::decoded(path, false).and_then(|path| String::from_utf8(path).ok());
            Cow::Owned(decoded.unwrap_or_default())
        } else {
            Cow::Borrowed(path)
        };
        let route = path
            .strip_prefix(&self.config.prefix)
            .and_then(|rest| rest.strip_prefix('/'))
            .and_then(|name| ROUTES.iter().find(|route| route.name == name));
        if let Some(route) = route
            && self.engine.serves(route)
        {
            Target::Method(route)
        } else if path == "/health" {
            Target::Health
        } else if path == self.config.prefix || self.config.prefix.is_empty() {
            // With the prefix `/`, every other path is the base URL.
            Target::CommandLines
        } else {
            Target::NotFound
        }
    }

    fn is_authorized(&self, headers: &HeaderMap, query: Option<&str>) -> bool {
        let Some(key) = self.config.http_key.as_deref().map(str::as_bytes) else {
            return true;
        };
        let is_in_header = match header(headers, "x-api-key") {
            b"" => is_in_authorization(header(headers, AUTHORIZATION.as_str()), key),
            given => given == key,
        };
        let in_query = query.and_then(|query| path::parameter(query, "api_key"));
        is_in_header || in_query.is_some_and(|given| given == key)
    }

    async fn method(
        &self,
        route: &'static Route,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Response<ResponseBody> {
        let Ok(decoded) = json::decode(route.request, body) else {
            return bad_request();
        };
        let request = Bytes::from(decoded.protobuf);
        let nulls = decoded.nulls.into_iter().collect();
        self.record(route, Endpoint::Http, headers, &request);
        let fault = self.take_fault(route, Endpoint::Http, &request);
        if let Some(response) = self.fault_before_call(fault.as_ref()).await {
            return response;
        }
        let transport_mode = self.config.http_error_mode_transport || is_transport_mode(headers);
        let response = match self.run(route, request, &nulls) {
            Ok(reply) => encode_response(route, &reply, transport_mode),
            Err(_) => bad_request(),
        };
        self.fault_after_call(fault.as_ref(), response).await
    }
}

/// Returns the value of a header; empty without the header.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a [u8] {
    headers
        .get(name)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default()
}

/// Checks whether an `Authorization` header has the key: `apikey <key>`.
fn is_in_authorization(value: &[u8], key: &[u8]) -> bool {
    let words: Vec<&[u8]> = value
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .collect();
    match &words[..] {
        [scheme, given] => scheme.eq_ignore_ascii_case(b"apikey") && *given == key,
        _ => false,
    }
}

fn encode_response(
    route: &Route,
    reply: &EncodedReply,
    transport_mode: bool,
) -> Response<ResponseBody> {
    match &reply.error {
        Some(error) if transport_mode || !route.has_error => {
            let body = json::encode_message(&api::Error::from(error.clone())).unwrap_or_default();
            let mut response = json_response(body);
            *response.status_mut() = status(error);
            response
        }
        _ => match json::encode(route.response, &reply.protobuf) {
            Ok(body) => json_response(body),
            Err(_) => internal(),
        },
    }
}

/// Returns the HTTP status of an error in the transport error mode.
fn status(error: &ApiError) -> StatusCode {
    match error.code {
        ApiError::UNKNOWN_CHANNEL | ApiError::NOT_FOUND => StatusCode::NOT_FOUND,
        ApiError::BAD_REQUEST | ApiError::NOT_AVAILABLE => StatusCode::BAD_REQUEST,
        ApiError::TOO_MANY_REQUESTS => StatusCode::TOO_MANY_REQUESTS,
        ApiError::UNRECOVERABLE_POSITION => StatusCode::RANGE_NOT_SATISFIABLE,
        ApiError::CONFLICT => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(super) fn json_response(body: Vec<u8>) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::whole(body.into()));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn bad_request() -> Response<ResponseBody> {
    text(StatusCode::BAD_REQUEST, "Bad Request\n")
}

pub(super) fn internal() -> Response<ResponseBody> {
    text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n")
}

fn text(status: StatusCode, body: &'static str) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::whole(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    response
}

fn empty(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::default());
    *response.status_mut() = status;
    response
}

/// Redirects to a clean path, as Go does.
fn redirect(path: &str, request: &Parts) -> Response<ResponseBody> {
    let location = match request.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut response = empty(StatusCode::TEMPORARY_REDIRECT);
    if matches!(request.method, Method::GET | Method::HEAD) {
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, html);
    }
    if request.method == Method::GET {
        let link = location
            .replace('&', "&amp;")
            .replace('"', "&#34;")
            .replace('\'', "&#39;");
        let page = format!("<a href=\"{link}\">Temporary Redirect</a>.\n\n");
        *response.body_mut() = ResponseBody::whole(page.into());
    }
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
