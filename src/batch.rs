use std::vec;

use crate::{ApiError, BatchRequest, BatchResponse, Command, Reply, api};

/// What a batch carries as one command of it: every request but `BatchRequest`, and [`Command`] itself.
///
/// Generated for each rpc of the schema that has a part in `Command` and `Reply`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a command of a batch",
    label = "not a request that a batch can carry",
    note = "a batch takes requests such as `PublishRequest`, or a `Command`; a batch within a batch is not possible"
)]
pub trait BatchCommand: Into<Command> {
    /// What the command answers when it succeeds.
    type Result;

    /// Takes the command's result from a reply without an error.
    #[doc(hidden)]
    fn result(command: Command, reply: Reply) -> Self::Result;
}

/// The dynamic form: the reply holds the result in the field of the command's name.
impl BatchCommand for Command {
    type Result = Reply;

    fn result(_command: Command, reply: Reply) -> Reply {
        reply
    }
}

/// Several requests that travel as one: what [`Client::batch`](crate::Client::batch) takes.
///
/// | batch | answer |
/// |---|---|
/// | a tuple of up to 12 requests of any types | a tuple of `Result`s, each of its own type |
/// | a `Vec` or an array of requests of one type | a `Vec` or an array of `Result`s |
/// | a `Vec<Command>` | a `Vec` of `Result<Reply, ApiError>` |
/// | [`Parallel`] around one of these | the same |
/// | [`BatchRequest`], the raw form | [`BatchResponse`] |
///
/// Nothing else is a batch, and a batch is no command of another:
///
/// ```compile_fail,E0277
/// # async fn run(client: centrifugo_api::Client) -> Result<(), centrifugo_api::Error> {
/// client.batch("publish").await?; // error: `&str` is not a batch
/// # Ok(()) }
/// ```
///
/// ```compile_fail,E0277
/// use centrifugo_api::BatchRequest;
///
/// # async fn run(client: centrifugo_api::Client) -> Result<(), centrifugo_api::Error> {
/// client.batch(vec![BatchRequest::default()]).await?; // error: `BatchRequest` cannot be a command of a batch
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a batch",
    label = "not a batch",
    note = "a batch is a tuple of requests, a `Vec` or an array of requests of one type, a `Vec<Command>`, \
            `Parallel` around one of these, or a `BatchRequest`; collect an iterator into a `Vec`"
)]
pub trait Batch {
    /// What the batch answers: an outcome for each command, in their order.
    type Output;

    /// The batch as Centrifugo takes it.
    #[doc(hidden)]
    fn into_request(self) -> BatchRequest;

    /// The outcomes. The replies have been checked against the commands.
    #[doc(hidden)]
    fn output(parts: &mut Parts) -> Self::Output;
}

/// Runs a batch's commands concurrently on the server, not one after another. The answer keeps their order.
#[derive(Clone, Debug)]
pub struct Parallel<B>(
    /// The batch.
    pub B,
);

/// Commands and their replies, pair by pair.
#[doc(hidden)]
#[derive(Debug)]
pub struct Parts {
    commands: vec::IntoIter<Command>,
    replies: vec::IntoIter<Reply>,
}

impl Parts {
    #[cfg(any(feature = "grpc", feature = "http"))]
    pub(crate) fn new(request: BatchRequest, response: BatchResponse) -> Self {
        Self { commands: request.commands.into_iter(), replies: response.replies.into_iter() }
    }

    fn next<C: BatchCommand>(&mut self) -> Option<Result<C::Result, ApiError>> {
        let (command, mut reply) = self.commands.next().zip(self.replies.next())?;
        Some(match reply.error.take() {
            Some(error) => Err(*error),
            None => Ok(C::result(command, reply)),
        })
    }

    /// The next outcome, for a form whose number of commands is in its type.
    fn expected<C: BatchCommand>(&mut self) -> Result<C::Result, ApiError> {
        self.next::<C>().unwrap_or_else(|| unreachable!("the number of replies has been checked"))
    }
}

impl Batch for BatchRequest {
    type Output = BatchResponse;

    fn into_request(self) -> BatchRequest {
        self
    }

    // A schema may add fields.
    #[allow(clippy::field_reassign_with_default)]
    fn output(parts: &mut Parts) -> BatchResponse {
        let mut response = BatchResponse::default();
        response.replies = parts.replies.by_ref().collect();
        response
    }
}

impl<B: Batch> Batch for Parallel<B> {
    type Output = B::Output;

    fn into_request(self) -> BatchRequest {
        let mut request = self.0.into_request();
        request.parallel = true;
        request
    }

    fn output(parts: &mut Parts) -> B::Output {
        B::output(parts)
    }
}

impl<C: BatchCommand> Batch for Vec<C> {
    type Output = Vec<Result<C::Result, ApiError>>;

    fn into_request(self) -> BatchRequest {
        BatchRequest::new(self)
    }

    fn output(parts: &mut Parts) -> Self::Output {
        std::iter::from_fn(|| parts.next::<C>()).collect()
    }
}

impl<C: BatchCommand, const N: usize> Batch for [C; N] {
    type Output = [Result<C::Result, ApiError>; N];

    fn into_request(self) -> BatchRequest {
        BatchRequest::new(self)
    }

    fn output(parts: &mut Parts) -> Self::Output {
        std::array::from_fn(|_| parts.expected::<C>())
    }
}

macro_rules! tuple_batches {
    ($($request:ident)*) => {
        impl<$($request: BatchCommand),*> Batch for ($($request,)*) {
            type Output = ($(Result<$request::Result, ApiError>,)*);

            #[allow(non_snake_case)]
            fn into_request(self) -> BatchRequest {
                let ($($request,)*) = self;
                let commands: Vec<Command> = vec![$($request.into()),*];
                BatchRequest::new(commands)
            }

            fn output(parts: &mut Parts) -> Self::Output {
                ($(parts.expected::<$request>(),)*)
            }
        }
    };
}

tuple_batches!(A);
tuple_batches!(A B);
tuple_batches!(A B C);
tuple_batches!(A B C D);
tuple_batches!(A B C D E);
tuple_batches!(A B C D E F);
tuple_batches!(A B C D E F G);
tuple_batches!(A B C D E F G H);
tuple_batches!(A B C D E F G H I);
tuple_batches!(A B C D E F G H I J);
tuple_batches!(A B C D E F G H I J K);
tuple_batches!(A B C D E F G H I J K L);

/// Checks that a batch's reply has a part for each command, of the command's kind.
pub(crate) fn verify(request: &BatchRequest, response: &BatchResponse) -> Result<(), String> {
    let (asked, answered) = (request.commands.len(), response.replies.len());
    if asked != answered {
        return Err(format!("{answered} replies for {asked} commands"));
    }
    for (index, (command, reply)) in request.commands.iter().zip(&response.replies).enumerate() {
        verify_part(command, reply).map_err(|problem| format!("replies[{index}]: {problem}"))?;
    }
    Ok(())
}

fn verify_part(command: &Command, reply: &Reply) -> Result<(), String> {
    if reply.error.is_some() {
        return Ok(());
    }
    let (asked, answered) = (command.parts(), reply.parts());
    if answered.is_empty() && !asked.iter().all(|method| api::WITHOUT_CONTENT.contains(method)) {
        return Err("neither an error nor a result".to_owned());
    }
    if !answered.is_empty() && answered != asked {
        return Err(format!("answers `{}` to the command `{}`", answered.join(", "), asked.join(", ")));
    }
    match (&command.broadcast, &reply.broadcast) {
        (Some(broadcast), Some(result)) => crate::broadcast::verify(broadcast, result),
        _ => Ok(()),
    }
}

/// Gives each command that takes a key one of its own, and says whether any did.
pub(crate) fn give_keys(commands: &mut [Command], key: &str) -> bool {
    let commands = commands.iter_mut().enumerate();
    commands.fold(false, |any, (index, command)| command.give_key(&format!("{key}-{index}")) || any)
}
