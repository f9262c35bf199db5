//! The program: a matrix of runs, or one of the hidden parts of a run.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use gauntlet::cli::{Cli, Options, Part, SOAK, THROUGHPUT};
use gauntlet::matrix::{self, Done, Matrix, Trouble};
use gauntlet::process::Failed;
use gauntlet::report::{self, Ending, Results};
use gauntlet::run::Stop;
use gauntlet::{load, relay, soak, stub, throughput};

/// The command line, a scenario file or the host is at fault.
const HOST: u8 = 3;
/// As a shell tells that SIGINT ended a program.
const STOPPED: u8 = 130;

fn main() -> ExitCode {
    // They have other options under the same names.
    if let Some(words) = words_beside(THROUGHPUT) {
        return match throughput::run(&throughput::Args::of_words(words.into_iter())) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => complain(&error, HOST),
        };
    }
    if let Some(words) = words_beside(SOAK) {
        let args = soak::Args::of_words(words.into_iter());
        return until_interrupted(move |stop| {
            soak::run(&args, stop).map(|(status, text)| {
                print(&text);
                status
            })
        });
    }
    let cli = Cli::parse();
    match cli.part {
        Some(part) => part_of_a_run(part),
        None => until_interrupted(move |stop| measured(cli.options, stop)),
    }
}

/// All other words where this one was said.
fn words_beside(asked: &str) -> Option<Vec<OsString>> {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let others = || words.iter().filter(|word| *word != asked).cloned().collect();
    words.iter().any(|word| word == asked).then(others)
}

fn part_of_a_run(part: Part) -> ExitCode {
    let ended: Result<(), Failed> = match part {
        Part::Stub(args) => stub::serve(args).map(drop),
        Part::Load(args) => load::serve(args).map(drop),
        Part::Slow(args) => load::serve_slow(args).map(drop),
        Part::Relay(args) => relay::serve(args),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, HOST),
    }
}

/// Runs in a thread of its own, so that an interrupt can end all waiting and everything is cleaned
/// up on the way out.
fn until_interrupted(act: impl FnOnce(&Stop) -> Result<u8, Trouble> + Send + 'static) -> ExitCode {
    let stop = Stop::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error, HOST),
    };
    let (tell, told) = tokio::sync::oneshot::channel();
    let pulled = stop.clone();
    let thread = std::thread::Builder::new().name("matrix".to_owned()).spawn(move || {
        let status = ended(act(&stop));
        // The receiver waits for as long as this thread lives.
        let _heard = tell.send(());
        status
    });
    let thread = match thread {
        Ok(thread) => thread,
        Err(error) => return complain(&error, HOST),
    };
    runtime.block_on(async {
        let mut told = std::pin::pin!(told);
        tokio::select! {
            _ = &mut told => {}
            _ = interrupted() => {
                pulled.pull();
                let _ended = told.await;
            }
        }
    });
    thread.join().unwrap_or_else(|_| ExitCode::from(HOST))
}

/// SIGINT or SIGTERM.
async fn interrupted() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
    Ok(())
}

fn ended(status: Result<u8, Trouble>) -> ExitCode {
    match status {
        Ok(status) => ExitCode::from(status),
        Err(Trouble::Stopped(stopped)) => complain(&stopped, STOPPED),
        Err(trouble) => complain(&trouble, HOST),
    }
}

fn measured(options: Options, stop: &Stop) -> Result<u8, Trouble> {
    let matrix = Matrix::new(options)?;
    if matrix.options.list {
        print(&matrix::catalogue(&matrix));
        return Ok(0);
    }
    let Done { results, failed } = matrix.carry_out(stop)?;
    let options = &matrix.options;
    for (path, text) in
        [(&options.json, report::json as fn(&Results) -> String), (&options.html, report::html)]
    {
        if let Some(path) = path {
            std::fs::write(path, text(&results))
                .map_err(|source| Trouble::Write { path: path.clone(), source })?;
        }
    }
    print(&if options.markdown { report::markdown(&results) } else { report::table(&results) });
    for line in report::failings(&results).iter().chain(&failed) {
        complain(line, 0);
    }
    let ending = match report::ending(&results) {
        Ending::Good if !failed.is_empty() => Ending::Incomplete,
        ending => ending,
    };
    Ok(ending.status())
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => complain(&error, HOST),
    }
}

fn complain(what: &dyn std::fmt::Display, status: u8) -> ExitCode {
    let _nobody_reads = writeln!(io::stderr(), "gauntlet: {what}");
    ExitCode::from(status)
}
