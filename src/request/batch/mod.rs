#[cfg(all(test, feature = "_transport"))]
mod fuzz;
#[cfg(feature = "_transport")]
pub(crate) mod list;
#[cfg(feature = "_transport")]
pub(crate) mod part;
#[cfg(feature = "_transport")]
pub(crate) mod wire;

use crate::{ApiError, BatchRequest, BatchResponse, Command, Reply, api};
#[cfg(feature = "_transport")]
use crate::{Client, Error};

/// What a batch carries as one command of it: every request but `BatchRequest`, and [`Command`] itself.
///
/// Generated for each rpc of the schema that has a part in `Command` and `Reply`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a command of a batch",
    label = "not a request that a batch can carry",
    note = "a batch takes requests such as `PublishRequest`, or a `Command`; a batch within a batch is not possible"
)]
pub trait BatchCommand: Into<Command> + Send {
    /// What the command answers when it succeeds.
    type Result: Send;

    /// Takes the command's result from a reply without an error.
    #[doc(hidden)]
    fn result(command: Command, reply: Reply) -> Self::Result;

    /// Sends commands of one type.
    #[cfg(feature = "_transport")]
    #[doc(hidden)]
    fn call_all(
        client: &Client,
        commands: Vec<Self>,
        parallel: bool,
    ) -> impl Future<Output = Result<Vec<Result<Self::Result, ApiError>>, Error>> + Send
    where
        Self: Sized;
}

/// The dynamic form: the reply holds the result in the field of the command's name.
impl BatchCommand for Command {
    type Result = Reply;

    fn result(_command: Command, reply: Reply) -> Reply {
        reply
    }

    #[cfg(feature = "_transport")]
    async fn call_all(
        client: &Client,
        commands: Vec<Command>,
        parallel: bool,
    ) -> Result<Vec<Result<Reply, ApiError>>, Error> {
        let response = client
            .exchange_batch(&mut BatchRequest::new(commands), parallel)
            .await?;
        Ok(response.replies.into_iter().map(outcome).collect())
    }
}

/// The outcome that a reply holds.
#[cfg(feature = "_transport")]
fn outcome(mut reply: Reply) -> Result<Reply, ApiError> {
    match reply.error.take() {
        Some(error) => Err(*error),
        None => Ok(reply),
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
    type Output: Send;

    /// Sends it.
    #[cfg(feature = "_transport")]
    #[doc(hidden)]
    fn call(
        self,
        client: &Client,
        parallel: bool,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// Runs a batch's commands concurrently on the server, not one after another. The answer keeps their order.
#[derive(Clone, Debug)]
pub struct Parallel<B>(
    /// The batch.
    pub B,
);

impl Batch for BatchRequest {
    type Output = BatchResponse;

    #[cfg(feature = "_transport")]
    async fn call(mut self, client: &Client, parallel: bool) -> Result<BatchResponse, Error> {
        client.exchange_batch(&mut self, parallel).await
    }
}

impl<B: Batch> Batch for Parallel<B> {
    type Output = B::Output;

    #[cfg(feature = "_transport")]
    fn call(
        self,
        client: &Client,
        _parallel: bool,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send {
        self.0.call(client, true)
    }
}

impl<C: BatchCommand> Batch for Vec<C> {
    type Output = Vec<Result<C::Result, ApiError>>;

    #[cfg(feature = "_transport")]
    fn call(
        self,
        client: &Client,
        parallel: bool,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send {
        C::call_all(client, self, parallel)
    }
}

impl<C: BatchCommand, const N: usize> Batch for [C; N] {
    type Output = [Result<C::Result, ApiError>; N];

    #[cfg(feature = "_transport")]
    fn call(
        self,
        client: &Client,
        parallel: bool,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send {
        let commands: Vec<C> = self.into();
        async move {
            let mut outcomes = C::call_all(client, commands, parallel).await?.into_iter();
            Ok(std::array::from_fn(|_| {
                outcomes.next().unwrap_or_else(|| unreachable!("{COUNTED}"))
            }))
        }
    }
}

#[cfg(feature = "_transport")]
const COUNTED: &str = "the number of replies has been checked";

macro_rules! tuple_batches {
    ($($request:ident)*) => {
        impl<$($request: BatchCommand),*> Batch for ($($request,)*) {
            type Output = ($(Result<$request::Result, ApiError>,)*);

            #[cfg(feature = "_transport")]
            #[allow(non_snake_case)]
            fn call(
                self,
                client: &Client,
                parallel: bool,
            ) -> impl Future<Output = Result<Self::Output, Error>> + Send {
                let ($($request,)*) = self;
                let commands: Vec<Command> = vec![$($request.into()),*];
                let mut request = BatchRequest::new(commands);
                async move {
                    let response = client.exchange_batch(&mut request, parallel).await?;
                    let mut parts = request.commands.into_iter().zip(response.replies);
                    let ($($request,)*) = ($(expected::<$request>(&mut parts),)*);
                    Ok(($($request,)*))
                }
            }
        }
    };
}

/// The next outcome, for a form whose number of commands is in its type.
#[cfg(feature = "_transport")]
fn expected<C: BatchCommand>(
    parts: &mut impl Iterator<Item = (Command, Reply)>,
) -> Result<C::Result, ApiError> {
    let (command, reply) = parts.next().unwrap_or_else(|| unreachable!("{COUNTED}"));
    outcome(reply).map(|reply| C::result(command, reply))
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
    match reply.parts().next() {
        None if !command
            .parts()
            .all(|method| api::WITHOUT_CONTENT.contains(&method)) =>
        {
            return Err(NOTHING.to_owned());
        }
        Some(_) if !command.parts().eq(reply.parts()) => {
            return Err(wrong_method(reply.parts(), command.parts()));
        }
        _ => {}
    }
    match (&command.broadcast, &reply.broadcast) {
        (Some(broadcast), Some(result)) => crate::broadcast::verify(broadcast, result),
        _ => Ok(()),
    }
}

const NOTHING: &str = "neither an error nor a result";

/// What is wrong with a reply about other methods than its command.
fn wrong_method(
    answered: impl Iterator<Item = &'static str>,
    asked: impl Iterator<Item = &'static str>,
) -> String {
    let (answered, asked): (Vec<_>, Vec<_>) = (answered.collect(), asked.collect());
    format!(
        "answers `{}` to the command `{}`",
        answered.join(", "),
        asked.join(", ")
    )
}

/// Gives each command that takes a key one of its own, and says whether any did.
pub(crate) fn give_keys(commands: &mut [Command], key: &str) -> bool {
    let commands = commands.iter_mut().enumerate();
    commands.fold(false, |any, (index, command)| {
        command.give_key(&format!("{key}-{index}")) || any
    })
}
