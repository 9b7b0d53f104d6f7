//! Clients and transactions of tokio-postgres.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{GenericClient, Row};

use super::{Columns, Database, Reply, columns};
use crate::error::Error;
use crate::statement::{Parameter, Statement};

/// The driver tokio-postgres, for [`Database`].
#[derive(Debug)]
#[non_exhaustive]
pub struct TokioPostgres;

impl<C: GenericClient + Sync> Database<TokioPostgres> for &C {
    fn execute<'e>(self, statement: &'e Statement<'_>) -> Reply<'e, u64>
    where
        Self: 'e,
    {
        Box::pin(async move {
            let parameters = typed(statement);
            let executed = self.execute_typed(statement.sql(), &parameters).await;
            executed.map_err(Error::TokioPostgres)
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
            let parameters = typed(statement);
            let rows = self.query_typed(statement.sql(), &parameters).await;
            let rows = rows.map_err(Error::TokioPostgres)?;
            rows.iter().map(|row| read(row)).collect()
        })
    }
}

/// Returns the parameters with their types, so that a statement takes one round trip, without preparing it first.
fn typed<'a>(statement: &'a Statement<'_>) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    let parameters = statement.parameters().iter();
    parameters
        .map(|parameter| match parameter {
            Parameter::Text(value) => (value as _, Type::TEXT),
            Parameter::Bytea(value) => (value as _, Type::BYTEA),
            Parameter::Boolean(value) => (value as _, Type::BOOL),
            Parameter::Integer(value) => (value as _, Type::INT4),
            Parameter::Bigint(value) => (value as _, Type::INT8),
            Parameter::Double(value) => (value as _, Type::FLOAT8),
            Parameter::TextArray(values) => (values as _, Type::TEXT_ARRAY),
            Parameter::ByteaArray(values) => (values as _, Type::BYTEA_ARRAY),
            Parameter::IntegerArray(values) => (values as _, Type::INT4_ARRAY),
        })
        .collect()
}

columns!(Row, Error::TokioPostgres);
