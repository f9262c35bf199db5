//! Results made by hand, as they are shown; and one short run.

use super::number::grouped;
use super::results::outcome;
use super::target::targets;
use super::*;

fn sample(user: u64, kernel: u64) -> Sample {
    let rate = 1_000_000_000 / (user + kernel);
    Sample { rate, user, kernel, p50: 900_000, p99: 2_000_000, resident: 10 << 20, failed: 0 }
}

fn made() -> Results {
    let cell = |who, samples: &[Sample]| Cell { who, outcome: outcome(samples.to_vec(), None) };
    let plain = Who::Plain;
    let cells = vec![
        cell(plain(Product::Direct), &[Sample { rate: 90_000, ..Sample::default() }]),
        cell(plain(Product::Seawall), &[sample(4_000, 11_000), sample(4_000, 12_000)]),
        cell(plain(Product::Nginx), &[sample(3_000, 12_000)]),
        cell(plain(Product::Haproxy), &[sample(4_000, 12_000)]),
        Cell {
            who: plain(Product::Envoy),
            outcome: Outcome::NotRun("envoy is not installed".to_owned()),
        },
        cell(Who::LimitAndLog, &[sample(10_000, 12_000)]),
    ];
    let host = Host {
        date: "2026-01-31".to_owned(),
        processor: "A processor".to_owned(),
        kernel: "6.1".to_owned(),
        product_core: Some(0),
        other_cores: vec![1],
        versions: vec!["seawall 0.1.0".to_owned()],
    };
    let row = |row: Row, cells| RowResults { row, about: row.about(), size: None, cells };
    let rows = vec![row(Row::H1x64, cells), row(Row::Tls, Vec::new())];
    Results { host, settings: Settings::Default, rounds: 2, seconds: 5, rows }
}

#[test]
fn promises_are_judged_by_ratios_of_one_run() {
    let found: Vec<_> = targets(&made())
        .into_iter()
        .filter_map(|target| target.found.map(|found| (found.figure, target.bound, found.kept)))
        .collect();
    let kept = |figure: &str, bound: &str, kept| (figure.to_owned(), bound.to_owned(), kept);
    assert_eq!(found, [kept("1.00", "≤ 1.05", true), kept("1.47", "≤ 1.25", false)]);
}

#[test]
fn a_table_shows_every_column_and_says_what_is_missing() {
    let text = table::text(&made());
    for part in ["66,666", "15.0", "not run: envoy is not installed", "NOT KEPT", "not yet"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn a_page_has_as_many_cells_in_each_line_as_its_head() {
    let page = page::markdown(&made());
    let section = page.split("### ").nth(1).unwrap();
    let cells: Vec<usize> = section
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.matches('|').count())
        .collect();
    assert_eq!(cells.len(), 8, "{section}");
    assert!(cells.iter().all(|count| *count == cells[0]), "{section}");
}

#[test]
fn names_of_products_are_read_and_direct_is_none() {
    assert_eq!(product("haproxy"), Ok(Product::Haproxy));
    assert!(product("direct").unwrap_err().contains("always measured"));
    assert!(product("caddy").is_err());
}

#[test]
fn a_short_run_measures_what_is_there() {
    if crate::peer::found(Product::Nginx).is_none() {
        eprintln!("nginx is not there");
        return;
    }
    if ["wrk", "h2load"].iter().any(|tool| crate::peer::on_path(tool).is_none()) {
        eprintln!("the tools of the load are not there");
        return;
    }
    let args = Args {
        peers: vec![Product::Nginx],
        rows: vec![Row::H1x64, Row::H2, Row::Half, Row::Idle, Row::L4],
        config: Config::Default,
        rounds: 1,
        seconds: 1,
        rate: Some(640),
        quick: true,
        json: false,
        markdown: false,
    };
    let results = std::thread::spawn(move || measure(&args).unwrap()).join().unwrap();
    assert_eq!(results.rows.len(), 5);
    for row in &results.rows[..3] {
        for cell in &row.cells {
            let median = cell.median().unwrap_or_else(|| panic!("{cell:?}"));
            assert!(median.rate > 0 && median.p99 >= median.p50 && median.p50 > 0, "{cell:?}");
        }
    }
    let idle = results.rows[3].median(Who::Plain(Product::Nginx)).unwrap();
    assert_eq!(idle.failed, 0, "{}", grouped(idle.resident));
    assert!(results.rows[4].cells.is_empty());
}

#[test]
fn words_become_arguments() {
    let of = |words: &str| Args::of_words(words.split_whitespace().map(OsString::from));
    let args = of("--quick --peers nginx,envoy --rows h1-64,10k --rate 900");
    assert_eq!(args.peers, [Product::Nginx, Product::Envoy]);
    assert_eq!((args.rows, args.rate), (vec![Row::H1x64, Row::Body10K], Some(900)));
    let usual = of("");
    assert_eq!((usual.peers.len(), usual.rounds, usual.seconds), (5, 3, 5));
}

#[test]
fn rows_are_shown_by_the_names_that_the_command_line_reads() {
    for row in Row::ALL {
        assert_eq!(Row::from_str(row.name(), false), Ok(row));
    }
}
