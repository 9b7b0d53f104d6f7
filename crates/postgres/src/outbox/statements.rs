//! The statements of an outbox.

use std::borrow::Cow;
use std::time::Duration;

use centrifugo_api::ConsumerCommand;

use super::Outbox;
use crate::error::Error;
use crate::jsonb;
use crate::statement::{Parameter, Statement};

impl<'a> Outbox<'a> {
    /// Returns the statement that creates the table, its index and its trigger, for any driver and for migrations.
    ///
    /// It may run at every start of a program, of several at once: it changes only what is missing, and otherwise needs no
    /// rights and takes no lock that others wait for. To a table that was created after Centrifugo's documentation it adds
    /// the column `created_at`, from which [`lag`](Self::lag) is computed. It drops nothing.
    ///
    /// ```
    /// use centrifugo_postgres::Outbox;
    ///
    /// const OUTBOX: Outbox = Outbox::constant("centrifugo_outbox");
    ///
    /// println!("{}", OUTBOX.ddl());
    /// # assert!(OUTBOX.ddl().starts_with("DO $outbox$"));
    /// ```
    #[must_use]
    pub fn ddl(&self) -> String {
        let table = self.table;
        let payload = self.payload_type();
        let index = format!("{}_partition", self.name());
        let qualified_index = self.beside(&index);
        let trigger = if self.notifies {
            self.trigger_ddl()
        } else {
            String::new()
        };
        format!(
            "DO $outbox$
BEGIN
  -- One session at a time, since the other would fail.
  PERFORM pg_advisory_xact_lock(hashtext('{table}'));
  IF to_regclass('{table}') IS NULL THEN
    CREATE TABLE {table} (
      id BIGSERIAL PRIMARY KEY,
      method TEXT NOT NULL,
      payload {payload} NOT NULL,
      partition INTEGER NOT NULL DEFAULT 0,
      created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
    );
  END IF;
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = '{table}'::regclass AND attname = 'created_at' AND NOT attisdropped
  ) THEN
    ALTER TABLE {table} ADD COLUMN created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp();
  END IF;
  IF to_regclass('{qualified_index}') IS NULL THEN
    CREATE INDEX {index} ON {table} (partition, id);
  END IF;{trigger}
END
$outbox$"
        )
    }

    fn trigger_ddl(&self) -> String {
        let table = self.table;
        let trigger = self.trigger();
        let function = self.beside(&trigger);
        format!(
            "
  IF NOT EXISTS (
    SELECT FROM pg_trigger WHERE tgrelid = '{table}'::regclass AND tgname = '{trigger}'
  ) THEN
    CREATE OR REPLACE FUNCTION {function}() RETURNS TRIGGER LANGUAGE plpgsql AS $notify$
    BEGIN
      PERFORM pg_notify('{trigger}', p.partition::text)
      FROM (SELECT DISTINCT partition FROM new_rows) AS p;
      RETURN NULL;
    END
    $notify$;
    CREATE TRIGGER {trigger} AFTER INSERT ON {table}
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {function}();
  END IF;"
        )
    }

    /// Returns the statement that writes a command.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] if the payload is JSON that JSONB cannot have.
    pub fn write_statement<'c>(
        &self,
        command: &'c ConsumerCommand,
    ) -> Result<Statement<'c>, Error> {
        let payload = self.payload(command)?;
        let (kind, payload) = if self.is_binary {
            let bytes = Cow::Borrowed(payload.as_bytes());
            ("bytea", Parameter::Bytea(Some(bytes)))
        } else {
            let text = Cow::Borrowed(payload);
            ("text::jsonb", Parameter::Text(Some(text)))
        };
        let sql = format!(
            "INSERT INTO {} (method, payload, partition) VALUES ($1::text, $2::{kind}, $3::integer)",
            self.table
        );
        let method = Parameter::Text(Some(command.method().into()));
        let partition = Parameter::Integer(Some(command.partition(self.partitions)));
        Ok(Statement::new(sql, vec![method, payload, partition]))
    }

    /// Returns the statement that writes several commands, in their order.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] if a payload is JSON that JSONB cannot have.
    pub fn write_all_statement<'c>(
        &self,
        commands: impl IntoIterator<Item = &'c ConsumerCommand>,
    ) -> Result<Statement<'c>, Error> {
        let mut methods = Vec::new();
        let mut payloads = Vec::new();
        let mut partitions = Vec::new();
        for command in commands {
            methods.push(command.method().into());
            payloads.push(self.payload(command)?);
            partitions.push(command.partition(self.partitions));
        }
        let (kind, cast, payloads) = if self.is_binary {
            let bytes = payloads.into_iter().map(|json| json.as_bytes().into());
            ("bytea", "", Parameter::ByteaArray(bytes.collect()))
        } else {
            let texts = payloads.into_iter().map(Cow::Borrowed);
            ("text", "::jsonb", Parameter::TextArray(texts.collect()))
        };
        let sql = format!(
            "INSERT INTO {} (method, payload, partition) \
             SELECT method, payload{cast}, partition \
             FROM unnest($1::text[], $2::{kind}[], $3::integer[]) \
             WITH ORDINALITY AS command (method, payload, partition, place) ORDER BY place",
            self.table
        );
        let methods = Parameter::TextArray(methods);
        let partitions = Parameter::IntegerArray(partitions);
        Ok(Statement::new(sql, vec![methods, payloads, partitions]))
    }

    fn payload<'c>(&self, command: &'c ConsumerCommand) -> Result<&'c str, Error> {
        let payload = command.payload().get();
        if !self.is_binary {
            let problem = |problem| Error::field("payload", problem);
            jsonb::check(payload).map_err(problem)?;
        }
        Ok(payload)
    }

    /// Returns the query for what waits in the outbox: per partition its number, the number of its rows, the id of the
    /// first one, and the age of the oldest in seconds.
    pub fn lag_statement(&self) -> Statement<'static> {
        let sql = format!(
            "SELECT partition, count(*), min(id), \
             (EXTRACT(EPOCH FROM clock_timestamp() - min(created_at)))::double precision \
             FROM {} GROUP BY partition ORDER BY partition",
            self.table
        );
        Statement::new(sql, Vec::new())
    }

    /// Returns the statement that deletes the row with an id.
    pub fn delete_statement(&self, id: i64) -> Statement<'static> {
        let sql = format!("DELETE FROM {} WHERE id = $1::bigint", self.table);
        Statement::new(sql, vec![Parameter::Bigint(Some(id))])
    }

    /// Returns the statement that deletes rows that were written longer ago.
    pub fn delete_older_statement(&self, age: Duration) -> Statement<'static> {
        let sql = format!(
            "DELETE FROM {} WHERE created_at < clock_timestamp() - make_interval(secs => $1::double precision)",
            self.table
        );
        Statement::new(sql, vec![Parameter::Double(Some(age.as_secs_f64()))])
    }

    /// Returns the statement that moves rows that Centrifugo does not read to partitions that it reads.
    pub fn move_unread_statement(&self) -> Statement<'static> {
        let sql = format!(
            "UPDATE {} SET partition = ((partition % $1::integer) + $1::integer) % $1::integer \
             WHERE partition < 0 OR partition >= $1::integer",
            self.table
        );
        let partitions = i32::from(self.partitions.get());
        Statement::new(sql, vec![Parameter::Integer(Some(partitions))])
    }
}
