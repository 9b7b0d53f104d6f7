//! Batches as data: the values that can be sent as one request, and the outcomes that their replies become.

#[cfg(test)]
#[cfg(feature = "_transport")]
mod fuzz;
pub(crate) mod item;
mod outcomes;
pub(crate) mod raw;
pub(crate) mod typed;

use crate::api::messages::{BatchRequest, Command, Reply};
use crate::api::method::Method;
use crate::error::ApiError;
pub use outcomes::Outcomes;

/// A command of a batch: every request except `BatchRequest`, and [`Command`] itself.
///
/// Generated for each rpc of the schema that has a field in `Command` and in `Reply`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a command of a batch",
    label = "not a request that a batch can carry",
    note = "a batch takes requests such as `PublishRequest`, or a `Command`; a batch within a batch is not possible"
)]
pub trait BatchCommand: Into<Command> + Send {
    /// The result of the command if it succeeds.
    type Result: Send;

    /// A batch of commands of this type.
    #[doc(hidden)]
    type Commands: Method<Result: Default>;

    /// Returns a batch of these commands.
    #[doc(hidden)]
    fn commands(commands: Vec<Self>, parallel: bool) -> Self::Commands
    where
        Self: Sized;

    /// Returns the outcomes of such a batch, from its result.
    #[doc(hidden)]
    fn outcomes(
        commands: Self::Commands,
        result: <Self::Commands as Method>::Result,
    ) -> Vec<Result<Self::Result, ApiError>>;

    /// Returns the command's outcome from that in a batch of commands of several types.
    #[doc(hidden)]
    fn outcome(command: Command, reply: Result<Reply, ApiError>) -> Result<Self::Result, ApiError>;
}

/// The dynamic form: the reply has the result in the field named after the command's method.
impl BatchCommand for Command {
    type Result = Reply;
    type Commands = BatchRequest;

    fn commands(commands: Vec<Self>, parallel: bool) -> BatchRequest {
        raw::request(commands, parallel)
    }

    fn outcomes(_batch: BatchRequest, result: Outcomes<Reply>) -> Vec<Result<Reply, ApiError>> {
        result.into_vec()
    }

    fn outcome(_command: Command, reply: Result<Reply, ApiError>) -> Result<Reply, ApiError> {
        reply
    }
}

/// Several requests that are sent as one: the argument of `Client::batch`.
///
/// | batch | result |
/// |---|---|
/// | a tuple of up to 12 requests of any types | a tuple of `Result`s, each with its own type |
/// | an array of requests of one type | an array of `Result`s |
/// | a `Vec` of requests of one type | [`Outcomes`] |
/// | a `Vec<Command>` | [`Outcomes`] of [`Reply`] |
/// | [`Parallel`] around one of these | the same |
/// | [`BatchRequest`], the raw form | [`Outcomes`] of [`Reply`] |
///
/// Nothing else is a batch, and batches cannot be nested:
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
pub trait Batch: Send {
    /// The outcomes of the commands, in their order.
    type Output: Send;

    /// The request that is sent.
    #[doc(hidden)]
    type Request: Method<Result: Default>;

    /// Returns the request; its commands run concurrently if `parallel` is true.
    #[doc(hidden)]
    fn into_request(self, parallel: bool) -> Self::Request;

    /// Returns the outcomes in the request's result.
    #[doc(hidden)]
    fn output(request: Self::Request, result: <Self::Request as Method>::Result) -> Self::Output;
}

/// A batch whose commands the server runs concurrently instead of one after another. The outcomes keep their order.
///
/// Needs Centrifugo 5.2, in the schema that the crate is built from too: with an older one it is not a [`Batch`].
#[derive(Clone, Debug)]
pub struct Parallel<B>(
    /// The batch.
    pub B,
);

/// Implemented for [`Parallel`] if the schema has a field for it.
#[diagnostic::on_unimplemented(
    message = "`Parallel` needs the field `BatchRequest.parallel`, which this schema does not have",
    label = "not a batch with this schema",
    note = "schemas have the field since Centrifugo 5.2; pass the batch without `Parallel`, or build from a newer \
            schema"
)]
pub trait InSchema {}

impl<B: Batch> Batch for Parallel<B>
where
    Self: InSchema,
{
    type Output = B::Output;
    type Request = B::Request;

    fn into_request(self, _parallel: bool) -> B::Request {
        self.0.into_request(true)
    }

    fn output(request: B::Request, result: <B::Request as Method>::Result) -> B::Output {
        B::output(request, result)
    }
}

impl Batch for BatchRequest {
    type Output = Outcomes<Reply>;
    type Request = Self;

    fn into_request(mut self, parallel: bool) -> Self {
        if parallel {
            self.run_in_parallel();
        }
        self
    }

    fn output(_request: Self, result: Outcomes<Reply>) -> Outcomes<Reply> {
        result
    }
}

impl<C: BatchCommand> Batch for Vec<C> {
    type Output = Outcomes<C::Result>;
    type Request = C::Commands;

    fn into_request(self, parallel: bool) -> C::Commands {
        C::commands(self, parallel)
    }

    fn output(
        request: C::Commands,
        result: <C::Commands as Method>::Result,
    ) -> Outcomes<C::Result> {
        let keys = (C::Commands::GENERATED.keys)(&request);
        let mut outcomes = Outcomes::new(C::outcomes(request, result));
        outcomes.set_keys(keys);
        outcomes
    }
}

impl<C: BatchCommand, const N: usize> Batch for [C; N] {
    type Output = [Result<C::Result, ApiError>; N];
    type Request = C::Commands;

    fn into_request(self, parallel: bool) -> C::Commands {
        C::commands(self.into(), parallel)
    }

    fn output(request: C::Commands, result: <C::Commands as Method>::Result) -> Self::Output {
        let mut outcomes = C::outcomes(request, result).into_iter();
        std::array::from_fn(|_| outcomes.next().unwrap_or_else(|| unreachable!("{COUNTED}")))
    }
}

const COUNTED: &str = "the number of replies was verified";

macro_rules! tuple_batches {
    ($($request:ident)*) => {
        impl<$($request: BatchCommand),*> Batch for ($($request,)*) {
            type Output = ($(Result<$request::Result, ApiError>,)*);
            type Request = BatchRequest;

            #[allow(non_snake_case)]
            fn into_request(self, parallel: bool) -> BatchRequest {
                let ($($request,)*) = self;
                let commands: Vec<Command> = vec![$($request.into()),*];
                raw::request(commands, parallel)
            }

            fn output(request: BatchRequest, result: Outcomes<Reply>) -> Self::Output {
                let mut replies = request.commands.into_iter().zip(result);
                ($(next::<$request>(&mut replies),)*)
            }
        }
    };
}

/// Returns the next outcome of a batch whose number of commands is in its type.
fn next<C: BatchCommand>(
    replies: &mut impl Iterator<Item = (Command, Result<Reply, ApiError>)>,
) -> Result<C::Result, ApiError> {
    let (command, reply) = replies.next().unwrap_or_else(|| unreachable!("{COUNTED}"));
    C::outcome(command, reply)
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
