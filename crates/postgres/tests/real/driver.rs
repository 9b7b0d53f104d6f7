//! The drivers, for tests that are written once.

use centrifugo_postgres::{Database, Sqlx, TokioPostgres};

use crate::Problem;
use crate::postgres::connect;

/// A connection by a driver.
pub(crate) trait Driver: Sized {
    type Marker;
    type Database<'a>: Database<Self::Marker>
    where
        Self: 'a;

    async fn connect(url: &str) -> Result<Self, Problem>;

    /// Returns what the functions of the crate take.
    fn database(&mut self) -> Self::Database<'_>;

    /// Runs a statement without parameters, such as `BEGIN`.
    async fn run(&mut self, sql: &str) -> Result<(), Problem>;
}

impl Driver for tokio_postgres::Client {
    type Marker = TokioPostgres;
    type Database<'a> = &'a Self;

    async fn connect(url: &str) -> Result<Self, Problem> {
        Ok(connect(url).await?)
    }

    fn database(&mut self) -> &Self {
        self
    }

    async fn run(&mut self, sql: &str) -> Result<(), Problem> {
        Ok(self.batch_execute(sql).await?)
    }
}

impl Driver for sqlx::PgConnection {
    type Marker = Sqlx;
    type Database<'a> = &'a mut Self;

    async fn connect(url: &str) -> Result<Self, Problem> {
        Ok(<Self as sqlx::Connection>::connect(url).await?)
    }

    fn database(&mut self) -> &mut Self {
        self
    }

    async fn run(&mut self, sql: &str) -> Result<(), Problem> {
        sqlx::raw_sql(sql).execute(self).await?;
        Ok(())
    }
}

/// Makes a test per driver of each function, which gets the driver and the name of a database of its own.
macro_rules! by_each_driver {
    ($($name:ident),* $(,)?) => {
        by_each_driver!(@ by_tokio_postgres, tokio_postgres::Client, $($name),*);
        by_each_driver!(@ by_sqlx, sqlx::PgConnection, $($name),*);
    };
    (@ $module:ident, $driver:ty, $($name:ident),*) => {
        mod $module {
            $(#[tokio::test]
            #[ignore = "needs a real Centrifugo and PostgreSQL: see tests/centrifugo/README.md"]
            async fn $name() -> crate::Outcome {
                super::$name::<$driver>(concat!(stringify!($name), "_", stringify!($module))).await
            })*
        }
    };
}
