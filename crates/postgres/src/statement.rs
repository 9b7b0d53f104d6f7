//! Statements, for the drivers of this crate and for any other.

use std::borrow::Cow;
use std::fmt;

/// An SQL statement and its parameters: for drivers that this crate does not know, and for logs and tests.
///
/// Each parameter has a cast in the statement, such as `$1::text`, so that its type is known without asking the database.
#[derive(Clone)]
#[must_use = "it is not executed"]
pub struct Statement<'a> {
    sql: String,
    parameters: Vec<Parameter<'a>>,
}

impl<'a> Statement<'a> {
    pub(crate) fn new(sql: String, parameters: Vec<Parameter<'a>>) -> Self {
        Self { sql, parameters }
    }

    /// Returns the SQL, with `$1` and so on for the parameters.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Returns the parameters, in order.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter<'a>] {
        &self.parameters
    }
}

/// Shows the SQL, and the types of the parameters without their values.
impl fmt::Debug for Statement<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Statement")
            .field("sql", &self.sql)
            .field("parameters", &self.parameters)
            .finish()
    }
}

/// A parameter of a [`Statement`].
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Parameter<'a> {
    /// A `text`, or NULL. JSON is text too, which the statement casts.
    Text(Option<Cow<'a, str>>),
    /// A `bytea`, or NULL.
    Bytea(Option<Cow<'a, [u8]>>),
    /// A `boolean`.
    Boolean(bool),
    /// An `integer`, or NULL.
    Integer(Option<i32>),
    /// A `bigint`, or NULL.
    Bigint(Option<i64>),
    /// A `double precision`, or NULL.
    Double(Option<f64>),
    /// A `text[]`.
    TextArray(Vec<Cow<'a, str>>),
    /// A `bytea[]`.
    ByteaArray(Vec<Cow<'a, [u8]>>),
    /// An `integer[]`.
    IntegerArray(Vec<i32>),
}

impl Parameter<'_> {
    /// Returns the name of the type in SQL.
    #[must_use]
    pub fn sql_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Bytea(_) => "bytea",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Bigint(_) => "bigint",
            Self::Double(_) => "double precision",
            Self::TextArray(_) => "text[]",
            Self::ByteaArray(_) => "bytea[]",
            Self::IntegerArray(_) => "integer[]",
        }
    }
}

/// Shows the type alone: values may be private.
impl fmt::Debug for Parameter<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.sql_type())
    }
}
