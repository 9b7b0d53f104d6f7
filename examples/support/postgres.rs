//! A PostgreSQL for an example.

use std::path::Path;
use std::process::{Command, exit};

const HELP: &str = "There is no pg_virtualenv either. On Debian, `apt-get install postgresql` brings it. Or start a PostgreSQL:
  docker run --rm -p 5433:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres
  DATABASE_URL=postgresql://postgres@localhost:5433/postgres cargo run --example outbox";

/// Lets Debian's `pg_virtualenv` start a PostgreSQL and run this program again, with `DATABASE_URL`.
pub(crate) fn run_with_database(program: &Path) -> ! {
    println!("DATABASE_URL is not set. Starting a PostgreSQL for this run:");
    let script =
        r#"DATABASE_URL=postgresql://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/$PGDATABASE exec "$0""#;
    let mut command = Command::new("pg_virtualenv");
    match command.args(["sh", "-c", script]).arg(program).status() {
        Ok(status) => exit(status.code().unwrap_or(1)),
        Err(_) => {
            eprintln!("{HELP}");
            exit(1)
        }
    }
}
