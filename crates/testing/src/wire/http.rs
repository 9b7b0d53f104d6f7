//! The HTTP API: JSON at a path a method, and command lines at the base URL.

use std::borrow::Cow;
use std::collections::HashSet;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::body::ResponseBody;
use super::{Service, is_transport_mode, path};
use crate::engine::{Answer, Call, ROUTES, Route};
use crate::json;
use crate::recorder::{Endpoint, Recorded};
use centrifugo_api::ApiError;

/// What a path leads to.
enum Place {
    Method(&'static Route),
    CommandLines,
    Health,
    Nothing,
}

impl Service {
    pub(super) async fn http(&self, request: Request<Incoming>) -> Response<ResponseBody> {
        let (head, body) = request.into_parts();
        if let Some(clean) = path::cleaned(head.uri.path()) {
            return redirect(&clean, &head);
        }
        let place = match self.place(head.uri.path()) {
            Place::Nothing => return text(StatusCode::NOT_FOUND, "404 page not found\n"),
            Place::Health => return json_reply(b"{}".to_vec()),
            place => place,
        };
        if head.method != Method::POST {
            return empty(StatusCode::METHOD_NOT_ALLOWED);
        }
        if !self.is_authorized(&head.headers, head.uri.query()) {
            return empty(StatusCode::UNAUTHORIZED);
        }
        // Who breaks off gets no answer.
        let Ok(body) = body.collect().await else {
            return bad_request();
        };
        let (body, headers) = (body.to_bytes(), &head.headers);
        match place {
            Place::Method(route) => self.method(route, headers, &body).await,
            _ => self.command_lines(headers, &body).await,
        }
    }

    fn place(&self, path: &str) -> Place {
        let decoded = |path| {
            path::decoded(path, false)
                .and_then(|path| String::from_utf8(path).ok())
                .unwrap_or_default()
        };
        let path = match path.contains('%') {
            true => Cow::Owned(decoded(path)),
            false => Cow::Borrowed(path),
        };
        let method = path
            .strip_prefix(&self.config.prefix)
            .and_then(|rest| rest.strip_prefix('/'));
        let route = method.and_then(|name| ROUTES.iter().find(|route| route.name == name));
        match route.filter(|route| self.engine.serves(route)) {
            Some(route) => Place::Method(route),
            None if path == "/health" => Place::Health,
            // A prefix of `/` takes in all paths.
            None if path == self.config.prefix || self.config.prefix.is_empty() => {
                Place::CommandLines
            }
            None => Place::Nothing,
        }
    }

    fn is_authorized(&self, headers: &HeaderMap, query: Option<&str>) -> bool {
        let Some(key) = self.config.http_key.as_deref().map(str::as_bytes) else {
            return true;
        };
        let header = |name| {
            headers
                .get(name)
                .map(HeaderValue::as_bytes)
                .unwrap_or_default()
        };
        let in_header = match header(HeaderName::from_static("x-api-key")) {
            b"" => {
                let words = header(AUTHORIZATION)
                    .split(u8::is_ascii_whitespace)
                    .filter(|word| !word.is_empty());
                let words: Vec<&[u8]> = words.collect();
                matches!(&words[..], [scheme, word] if scheme.eq_ignore_ascii_case(b"apikey") && *word == key)
            }
            own => own == key,
        };
        in_header
            || query
                .and_then(|query| path::parameter(query, "api_key"))
                .is_some_and(|given| given == key)
    }

    async fn method(
        &self,
        route: &'static Route,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Response<ResponseBody> {
        let Ok(request) = json::decode(route.request, body) else {
            return bad_request();
        };
        let (request, nulls) = (
            Bytes::from(request.protobuf),
            request.nulls.into_iter().collect(),
        );
        self.record(route, Endpoint::Http, headers, &request);
        let fault = self.engine.faults.on_the_wire(route.name, Endpoint::Http, || {
            (route.channels)(request.clone())
        });
        if let Some(instead) = self.before(fault.as_ref()).await {
            return instead;
        }
        let transport_mode = self.config.http_error_mode || is_transport_mode(headers);
        let response = match self.run(route, request, &nulls) {
            Ok(answer) => reply(route, &answer, transport_mode),
            Err(_) => bad_request(),
        };
        self.after(fault.as_ref(), response).await
    }

    pub(super) fn run(
        &self,
        route: &Route,
        request: Bytes,
        nulls: &HashSet<usize>,
    ) -> Result<Answer, prost::DecodeError> {
        (route.serve)(
            &Call {
                engine: &self.engine,
                nulls,
            },
            request,
        )
    }

    pub(super) fn record(
        &self,
        route: &Route,
        endpoint: Endpoint,
        headers: &HeaderMap,
        request: &Bytes,
    ) {
        if self.engine.recorder.is_on() {
            self.engine.recorder.add(Recorded::new(
                route.name,
                endpoint,
                headers,
                request.clone(),
            ));
        }
    }
}

fn reply(route: &Route, answer: &Answer, transport_mode: bool) -> Response<ResponseBody> {
    match &answer.error {
        Some(error) if transport_mode || !route.has_error => {
            let body = json::encode_message(error).unwrap_or_default();
            let mut response = json_reply(body);
            *response.status_mut() = status(error);
            response
        }
        _ => json::encode(route.response, &answer.response).map_or_else(|_| internal(), json_reply),
    }
}

/// The HTTP status of an error in the transport error mode.
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

pub(super) fn json_reply(body: Vec<u8>) -> Response<ResponseBody> {
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

fn redirect(path: &str, request: &Parts) -> Response<ResponseBody> {
    let query = request
        .uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let location = format!("{path}{query}");
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
        *response.body_mut() =
            ResponseBody::whole(format!("<a href=\"{link}\">Temporary Redirect</a>.\n\n").into());
    }
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
