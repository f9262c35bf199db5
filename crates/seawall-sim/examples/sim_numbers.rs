//! The table of published numbers that the simulator reproduces. `cargo xtask sim-numbers` builds
//! this with optimisation and hands its arguments on; the models are in `seawall_sim::numbers`.

use seawall_sim::numbers::{Row, Scale, table};
use std::io::{Write, stderr};
use std::process::ExitCode;

fn main() -> ExitCode {
    let only: Vec<String> = std::env::args().skip(1).collect();
    let mut tell = |title: &str, rows: &[Row]| {
        let _ = writeln!(stderr(), "{title}");
        for r in rows {
            println!(
                "{:<40} {:>10} {:>12.6} ±{:<10.6} tol {:<10.6} {} runs {} looks {}",
                r.id,
                r.expected.text,
                r.ours,
                r.error,
                r.tolerance,
                if r.ok { "ok" } else { "NO" },
                r.runs,
                r.looks
            );
        }
    };
    let rows = table(Scale::Full, &only, 2, &mut tell);
    if rows.iter().all(|row| row.ok) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
