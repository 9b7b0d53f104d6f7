//! This crate beside its peers, on a real Centrifugo: `README.md`.

mod arguments;
mod builds;
mod measure;
mod peers;
mod report;
mod results;
mod rounds;
mod rows;
mod server;
mod work;

use arguments::{Arguments, Command};

/// An error, which ends the run and is printed.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    match Command::parse(std::env::args().skip(1))? {
        Command::Measure {
            row,
            peer,
            address,
            short,
        } => {
            println!("{}", peers::find(&peer, row)?.measure(row, address, short)?);
            Ok(())
        }
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
