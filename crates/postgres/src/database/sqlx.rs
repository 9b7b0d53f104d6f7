//! Pools, connections and transactions of sqlx.

use std::borrow::Cow;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgExecutor, Postgres, Row};

use super::{Columns, Database, Reply, columns};
use crate::error::Error;
use crate::statement::{Parameter, Statement};

/// The driver sqlx, for [`Database`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Sqlx;

impl<'c, E: PgExecutor<'c>> Database<Sqlx> for E {
    fn execute<'e>(self, statement: &'e Statement<'_>) -> Reply<'e, u64>
    where
        Self: 'e,
    {
        Box::pin(async move {
            let executed = query(statement).execute(self).await;
            let executed = executed.map_err(Error::Sqlx)?;
            Ok(executed.rows_affected())
        })
    }

    fn rows<'e, T: Send + 'e>(
        self,
        statement: &'e Statement<'_>,
        read: fn(&dyn Columns) -> Result<T, Error>,
    ) -> Reply<'e, Vec<T>>
    where
        Self: 'e,
    {
        Box::pin(async move {
            let rows = query(statement).fetch_all(self).await;
            let rows = rows.map_err(Error::Sqlx)?;
            rows.iter().map(|row| read(row)).collect()
        })
    }
}

fn query<'q>(statement: &'q Statement<'_>) -> Query<'q, Postgres, PgArguments> {
    let mut query = sqlx::query(statement.sql());
    for parameter in statement.parameters() {
        query = match parameter {
            Parameter::Text(value) => query.bind(value.as_deref()),
            Parameter::Bytea(value) => query.bind(value.as_deref()),
            Parameter::Boolean(value) => query.bind(value),
            Parameter::Integer(value) => query.bind(value),
            Parameter::Bigint(value) => query.bind(value),
            Parameter::Double(value) => query.bind(value),
            Parameter::TextArray(values) => query.bind(borrowed(values)),
            Parameter::ByteaArray(values) => query.bind(borrowed(values)),
            Parameter::IntegerArray(values) => query.bind(values),
        };
    }
    query
}

fn borrowed<'a, T: ToOwned + ?Sized>(values: &'a [Cow<'_, T>]) -> Vec<&'a T> {
    values.iter().map(AsRef::as_ref).collect()
}

columns!(PgRow, Error::Sqlx);
