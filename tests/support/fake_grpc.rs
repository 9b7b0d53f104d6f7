//! A scripted gRPC server on HTTP/2 frames: it records calls and answers them with the given
//! frames.

// Each test binary uses a part of it.
#![allow(dead_code)]

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use centrifugo_api::bytes::Bytes;
use centrifugo_api::prost::Message;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::fake_server::{Fake, Script, Scripted, pass_panic};

/// A recorded call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) path: String,
    /// The server as the call names it.
    pub(crate) authority: String,
    pub(crate) headers: HeaderMap,
    /// The message, with its prefix of five bytes.
    pub(crate) body: Vec<u8>,
}

impl Call {
    /// The request's message, without its prefix.
    pub(crate) fn message(&self) -> &[u8] {
        &self.body[5..]
    }
}

/// The steps that the server takes after it has read a call.
#[derive(Clone, Debug)]
pub(crate) struct Reply(Vec<Step>);

#[derive(Clone, Debug)]
enum Step {
    /// The status, the headers, and whether the stream ends here.
    Head(u16, HeaderMap, bool),
    Data(Bytes),
    Flood(Bytes),
    End,
    Trailers(HeaderMap),
    Reset(Reason),
    Pause(Duration),
    Hang,
    Order(Order),
}

/// A request of a stream's task to its connection.
#[derive(Clone, Copy, Debug)]
enum Order {
    GoAway(Reason),
    LastGoAway,
    Cut,
}

/// Returns a message with its gRPC prefix: a zero byte and its length.
pub(crate) fn frame(message: impl AsRef<[u8]>) -> Vec<u8> {
    let length = u32::try_from(message.as_ref().len()).expect("a message is below 4 GiB");
    [&[0], &length.to_be_bytes()[..], message.as_ref()].concat()
}

impl Reply {
    /// Sends a message and the status OK.
    pub(crate) fn ok(message: &impl Message) -> Self {
        Self::started()
            .data(frame(message.encode_to_vec()))
            .trailers(&[("grpc-status", "0")])
    }

    /// Sends a status in place of a message: no data, no trailers.
    pub(crate) fn status(headers: &[(&str, &str)]) -> Self {
        let headers = [&[("content-type", "application/grpc")], headers].concat();
        Self(vec![Step::Head(200, header_map(&headers), true)])
    }

    /// Sends the head of a message.
    pub(crate) fn started() -> Self {
        Self::head(200, &[("content-type", "application/grpc")])
    }

    pub(crate) fn head(status: u16, headers: &[(&str, &str)]) -> Self {
        Self(vec![Step::Head(status, header_map(headers), false)])
    }

    /// Never answers.
    pub(crate) fn silence() -> Self {
        Self(Vec::new()).hang()
    }

    /// Sends nothing but what is added to it.
    pub(crate) fn nothing() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn data(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Step::Data(Bytes::copy_from_slice(bytes.as_ref())))
    }

    /// Writes the bytes repeatedly until the client resets the stream.
    pub(crate) fn flood(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Step::Flood(Bytes::copy_from_slice(bytes.as_ref())))
    }

    /// Ends the stream without trailers.
    pub(crate) fn end(self) -> Self {
        self.then(Step::End)
    }

    pub(crate) fn trailers(self, trailers: &[(&str, &str)]) -> Self {
        self.then(Step::Trailers(header_map(trailers)))
    }

    pub(crate) fn reset(self, reason: Reason) -> Self {
        self.then(Step::Reset(reason))
    }

    /// Ends the connection and all its streams with a GOAWAY.
    pub(crate) fn go_away(self, reason: Reason) -> Self {
        self.then(Step::Order(Order::GoAway(reason)))
    }

    /// Ends the connection with a GOAWAY once its streams are done.
    pub(crate) fn last_go_away(self) -> Self {
        self.then(Step::Order(Order::LastGoAway))
    }

    /// Closes the TCP connection.
    pub(crate) fn cut(self) -> Self {
        self.then(Step::Order(Order::Cut))
    }

    pub(crate) fn pause(self, pause: Duration) -> Self {
        self.then(Step::Pause(pause))
    }

    /// Does nothing more until the client resets the stream.
    pub(crate) fn hang(self) -> Self {
        self.then(Step::Hang)
    }

    /// Delays the whole reply.
    pub(crate) fn after(mut self, pause: Duration) -> Self {
        self.0.insert(0, Step::Pause(pause));
        self
    }

    fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }
}

fn header_map(headers: &[(&str, &str)]) -> HeaderMap {
    headers
        .iter()
        .map(|(name, value): &(&str, &str)| {
            let name: HeaderName = name.parse().expect("a header has a name");
            (
                name,
                HeaderValue::from_str(value).expect("a header has a value"),
            )
        })
        .collect()
}

/// The server.
pub(crate) type FakeGrpc = Fake<Reply>;

impl FakeGrpc {
    pub(crate) fn url(&self) -> String {
        format!("grpc://{}", self.address())
    }
}

impl Scripted for Reply {
    type Request = Call;

    async fn serve(stream: TcpStream, script: Arc<Script<Self>>) {
        // Lets hundreds of small calls in at once, as Centrifugo does. The default does not.
        let settings = h2::server::Builder::new()
            .data_frame_budget(0x100_0000)
            .to_owned();
        let Ok(mut connection) = settings.handshake(stream).await else {
            return;
        };
        let mut streams = JoinSet::new();
        let (orders, mut ordered) = unbounded_channel();
        loop {
            tokio::select! {
                accepted = connection.accept() => match accepted {
                    Some(Ok((request, respond))) => {
                        streams.spawn(answer(request, respond, Arc::clone(&script), orders.clone()));
                    }
                    _ => return,
                },
                Some(ended) = streams.join_next() => pass_panic(ended),
                Some(order) = ordered.recv() => match order {
                    Order::GoAway(reason) => connection.abrupt_shutdown(reason),
                    Order::LastGoAway => connection.graceful_shutdown(),
                    Order::Cut => return,
                },
            }
        }
    }
}

async fn answer(
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    script: Arc<Script<Reply>>,
    orders: UnboundedSender<Order>,
) {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(data) = stream.data().await {
        let Ok(data) = data else { return };
        let _ = stream.flow_control().release_capacity(data.len());
        body.extend_from_slice(&data);
    }
    let call = Call {
        path: head.uri.path().to_owned(),
        authority: head
            .uri
            .authority()
            .map(ToString::to_string)
            .unwrap_or_default(),
        headers: head.headers,
        body,
    };
    let mut sending = None;
    for step in script.answer(call).0 {
        match step {
            Step::Head(status, headers, last) => {
                let mut response = Response::new(());
                *response.status_mut() = status.try_into().expect("a status is from 100 to 999");
                *response.headers_mut() = headers;
                match respond.send_response(response, last) {
                    Ok(stream) => sending = Some(stream),
                    Err(_) => return,
                }
            }
            Step::Reset(reason) => {
                flush().await;
                respond.send_reset(reason);
            }
            Step::Pause(pause) => tokio::time::sleep(pause).await,
            Step::Hang => {
                let _ = match &mut sending {
                    Some(stream) => poll_fn(|context| stream.poll_reset(context)).await,
                    None => poll_fn(|context| respond.poll_reset(context)).await,
                };
            }
            Step::Order(order) => {
                flush().await;
                let _ = orders.send(order);
                std::future::pending::<()>().await;
            }
            step => {
                perform(
                    step,
                    sending.as_mut().expect("a reply begins with a head"),
                    &script,
                )
                .await
            }
        }
    }
}

/// Gives the connection time to send its frames: a reset or an end of the connection drops those
/// that are waiting.
async fn flush() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

async fn perform(step: Step, stream: &mut SendStream<Bytes>, script: &Script<Reply>) {
    // Sending fails only if the client is gone.
    match step {
        Step::Data(data) => drop(stream.send_data(data, false)),
        Step::End => drop(stream.send_data(Bytes::new(), true)),
        Step::Trailers(trailers) => drop(stream.send_trailers(trailers)),
        Step::Flood(data) => {
            let mut flood = script.flood();
            stream.reserve_capacity(data.len());
            while let Some(Ok(granted)) = poll_fn(|context| stream.poll_capacity(context)).await {
                let part = data.slice(..granted.min(data.len()));
                flood.written += part.len();
                drop(stream.send_data(part, false));
                stream.reserve_capacity(data.len());
            }
        }
        _ => unreachable!("`answer` performs the other steps"),
    }
}
