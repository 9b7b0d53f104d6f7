//! The drivers: what they have in common, and the few lines that each needs.

#[cfg(feature = "sqlx")]
mod sqlx;
#[cfg(feature = "tokio-postgres")]
mod tokio_postgres;

use std::future::Future;
use std::pin::Pin;

#[cfg(feature = "sqlx")]
pub use self::sqlx::Sqlx;
#[cfg(feature = "tokio-postgres")]
pub use self::tokio_postgres::TokioPostgres;

use crate::error::Error;
use crate::statement::Statement;

/// A connection, a pool or a transaction that can execute statements.
///
/// With the feature `tokio-postgres` it is a reference to whatever is a `GenericClient`: a `Client` or a `Transaction`.
/// Pools on top of tokio-postgres hand out types that dereference to these: `&**object`.
///
/// With the feature `sqlx` it is whatever is a `PgExecutor`: `&pool`, `&mut connection`, `&mut *transaction`.
///
/// The parameter tells the drivers apart, and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a connection, a pool or a transaction of an enabled driver",
    label = "cannot execute statements",
    note = "with the feature `tokio-postgres`: `&client`, `&transaction`, or for a pooled object `&**object`; with the feature \
            `sqlx`: `&pool`, `&mut *connection`, `&mut *transaction`"
)]
pub trait Database<Driver>: Sized + Send {
    /// Executes a statement, and returns the number of rows that it changed.
    #[doc(hidden)]
    fn execute<'e>(self, statement: &'e Statement<'_>) -> Reply<'e, u64>
    where
        Self: 'e;

    /// Executes a statement, and returns its rows.
    #[doc(hidden)]
    fn rows<'e, T: Send + 'e>(
        self,
        statement: &'e Statement<'_>,
        read: fn(&dyn Columns) -> Result<T, Error>,
    ) -> Reply<'e, Vec<T>>
    where
        Self: 'e;
}

/// The future of a reply. It is boxed because the compiler cannot prove that a future with the types of sqlx in it is
/// `Send` for every lifetime, so that a program could not spawn it.
type Reply<'e, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'e>>;

/// The columns of a row, by their index.
pub trait Columns {
    /// Returns a `bytea`.
    fn bytea(&self, index: usize) -> Result<Option<Vec<u8>>, Error>;
    /// Returns a `boolean`.
    fn boolean(&self, index: usize) -> Result<Option<bool>, Error>;
    /// Returns a `bigint`.
    fn bigint(&self, index: usize) -> Result<Option<i64>, Error>;
    /// Returns a `double precision`.
    fn double(&self, index: usize) -> Result<Option<f64>, Error>;
    /// Returns an `integer`.
    fn integer(&self, index: usize) -> Result<Option<i32>, Error>;
    /// Returns a `text`.
    fn text(&self, index: usize) -> Result<Option<String>, Error>;
}

/// Implements [`Columns`] for the rows of a driver, whose `try_get` reads each type.
macro_rules! columns {
    ($row:ty, $error:path) => {
        impl crate::database::Columns for $row {
            crate::database::columns!(@ $error, bytea: Vec<u8>, boolean: bool, bigint: i64, double: f64, integer: i32, text: String);
        }
    };
    (@ $error:path, $($name:ident: $type:ty),*) => {
        $(fn $name(&self, index: usize) -> Result<Option<$type>, crate::error::Error> {
            self.try_get(index).map_err($error)
        })*
    };
}
use columns;

/// Executes a statement of which one row is the result.
pub(crate) async fn one_row<M, D: Database<M>, T: Send>(
    database: D,
    statement: &Statement<'_>,
    read: fn(&dyn Columns) -> Result<T, Error>,
) -> Result<T, Error> {
    let rows = database.rows(statement, read).await?;
    rows.into_iter().next().ok_or(Error::Result("a row"))
}

/// Returns the value of a column that is not NULL.
pub(crate) fn present<T>(value: Option<T>, name: &'static str) -> Result<T, Error> {
    value.ok_or(Error::Result(name))
}
