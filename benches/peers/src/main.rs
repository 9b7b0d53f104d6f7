//! This crate beside its peers, on a real Centrifugo: `README.md`.

mod arguments;
mod builds;
mod idle;
mod latency;
mod measure;
mod peers;
mod relay;
mod report;
mod results;
mod rounds;
mod rows;
mod sample;
mod server;
mod work;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use arguments::{Arguments, Command};

/// An error, which ends the run and is printed.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    match Command::parse(std::env::args().skip(1))? {
        Command::Measure {
            row,
            peer,
            load,
            address,
        } => {
            print!("{}", peers::find(&peer, row)?.measure(row, load, address)?);
            Ok(())
        }
        Command::Serve => serve(),
        Command::Builds { rounds, write } => {
            let table = builds::table(rounds)?;
            println!("{table}");
            if write {
                report::write_builds(&table)
            } else {
                Ok(())
            }
        }
        Command::Compare(arguments) => compare(&arguments),
        Command::Help => {
            println!("{}", arguments::HELP);
            Ok(())
        }
    }
}

fn compare(arguments: &Arguments) -> Result<(), Failure> {
    allow_many_connections()?;
    let server = server::Server::start()?;
    work::fill_history(server.address, arguments.short)?;
    let results = rounds::run(arguments, server.address)?;
    if arguments.short {
        return Ok(());
    }
    let tables = report::tables(&results, arguments.rounds);
    println!("{tables}");
    if arguments.write {
        report::write(&tables, &results)
    } else {
        Ok(())
    }
}

fn serve() -> Result<(), Failure> {
    let server = server::Server::start()?;
    work::fill_history(server.address, false)?;
    println!("{} {}", server.address.http_port, server.address.grpc_port);
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

/// Raises the limit of open files, for a relay of connections that are idle, and for the processes that open them.
fn allow_many_connections() -> Result<(), Failure> {
    /// The most that macOS takes.
    const FILES: u64 = 10_240;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(FILES.min(hard)), hard)?;
    Ok(())
}
