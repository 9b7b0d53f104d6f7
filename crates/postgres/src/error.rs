//! The errors of this crate.

use std::borrow::Cow;

use crate::broker::SuppressReason;

/// A request or an option that PostgreSQL cannot be given, or a failure of the database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that is not an SQL identifier, as this crate takes them.
    #[error("`{name}` {problem}")]
    Name {
        /// The name.
        name: String,
        /// The rule, and the fix.
        problem: &'static str,
    },
    /// A request that every Centrifugo would refuse.
    #[error(transparent)]
    Request(#[from] centrifugo_api::Error),
    /// A field of a request, or an option, that the database would refuse or lose. Nothing was sent.
    #[error("`{field}` {problem}")]
    Field {
        /// The field of the request, or the option.
        field: String,
        /// The rule, and the fix.
        problem: Cow<'static, str>,
    },
    /// A publication that Centrifugo's SQL function suppressed, from `Published::accepted`.
    #[error("the publication was suppressed: {0}")]
    Suppressed(SuppressReason),
    /// A result that is not the one of Centrifugo's SQL function.
    #[error(
        "the database returned a result without {0}: does the function belong to this version of Centrifugo?"
    )]
    Result(&'static str),
    /// A failure of tokio-postgres or of the database.
    #[cfg(feature = "tokio-postgres")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tokio-postgres")))]
    #[error("the statement failed")]
    TokioPostgres(#[from] tokio_postgres::Error),
    /// A failure of sqlx or of the database.
    #[cfg(feature = "sqlx")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sqlx")))]
    #[error("the statement failed")]
    Sqlx(#[from] sqlx::Error),
}

impl Error {
    pub(crate) fn field(field: impl Into<String>, problem: impl Into<Cow<'static, str>>) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.into(),
        }
    }
}
