//! The tables, the outbox, and who may do what.

use centrifugo_postgres::Outbox;
use sqlx::PgPool;

use crate::BoxError;

/// The table from which Centrifugo takes what it shall do, once the transaction that wrote it has committed.
pub(crate) const OUTBOX: Outbox<'static> =
    Outbox::constant("centrifugo_outbox").partitions(4).notify();

const TABLES: &str = include_str!("schema.sql");

/// A query of sqlx and its parameters: `sql!(query, "DELETE FROM rooms WHERE id = $1", id)`.
macro_rules! sql {
    ($kind:ident, $text:expr $(, $value:expr)*) => { sqlx::$kind($text)$(.bind($value))* };
}
pub(crate) use sql;

/// Creates what is missing. A real application has migrations.
pub(crate) async fn create(pool: &PgPool) -> Result<(), BoxError> {
    sqlx::raw_sql(TABLES).execute(pool).await?;
    Ok(OUTBOX.create(pool).await?)
}

/// Returns the user of the session in a header `Cookie`, unless the user is blocked.
pub(crate) async fn session_user(pool: &PgPool, cookie: &str) -> sqlx::Result<Option<String>> {
    let session = cookie
        .split("; ")
        .find_map(|cookie| cookie.strip_prefix("session="));
    let text = "SELECT name FROM sessions JOIN users USING (name) WHERE id = $1 AND NOT blocked";
    sql!(query_scalar, text, session).fetch_optional(pool).await
}

/// Returns whether a user owns the room; `None` for users who are not members, or who are blocked.
pub(crate) async fn membership(
    pool: &PgPool,
    room: &str,
    name: &str,
) -> sqlx::Result<Option<bool>> {
    let text = "SELECT is_owner FROM members JOIN users USING (name)
                WHERE room = $1 AND name = $2 AND NOT blocked";
    sql!(query_scalar, text, room, name)
        .fetch_optional(pool)
        .await
}

/// Returns whether a user may read an answer: as a member of its room.
pub(crate) async fn may_read(pool: &PgPool, answer: i64, name: &str) -> sqlx::Result<bool> {
    let text =
        "SELECT EXISTS (SELECT FROM answers JOIN members USING (room) JOIN users USING (name)
                WHERE id = $1 AND name = $2 AND NOT blocked)";
    sql!(query_scalar, text, answer, name).fetch_one(pool).await
}
