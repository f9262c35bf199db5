//! The list `overrides` of an upstream: statuses that are judged otherwise than by the table.

use crate::reader::{Given, Reading, Scope, TableReader, or};
use seawall_core::outcome::{
    Class, GrpcCode, Observation, Outcome, Override, Overrides, RetryOn500, RetryRule, Row,
    classify,
};

/// The words of `class`.
pub(crate) const CLASSES: [(&str, Class); 3] =
    [("success", Class::Success), ("failure", Class::Failure), ("ignored", Class::Ignored)];

/// The words of `retry`.
pub(crate) const RULES: [(&str, RetryRule); 3] =
    [("never", RetryRule::Never), ("if_safe", RetryRule::IfSafe), ("always", RetryRule::Always)];

const EXAMPLE: &str = "[{ status = 404, class = \"failure\" }]";

pub(super) fn read(table: &mut TableReader<'_>) -> Overrides {
    let given = table.list("overrides", EXAMPLE, |element| {
        let read = element.table(read_one);
        if read.is_none() {
            element.wrong("an override is no table", format!("write overrides = {EXAMPLE}"));
        }
        read.flatten()
    });
    let (path, reading) = (table.path_of("overrides"), table.reading());
    Overrides::new(&given.map(|given| given.value).unwrap_or_default()).unwrap_or_else(|invalid| {
        let what = format!("{path}: {} is {}", invalid.field(), invalid.value());
        let remedy = format!("it must be {}", invalid.permitted());
        reading.wrong(reading.place_of(&path), what, remedy);
        Overrides::default()
    })
}

/// What the file leaves out stays as the table has it.
fn read_one(table: &mut TableReader<'_>) -> Option<Override> {
    let row = read_row(table);
    let (class, retry) = (table.choice("class", &CLASSES), table.choice("retry", &RULES));
    let row = row?;
    if !table.has("class") && !table.has("retry") {
        let remedy = "write class = \"failure\", or retry = \"never\"";
        table.wrong(table.place(), "an override changes nothing", remedy);
    }
    let judged = by_table(row);
    Some(Override { row, class: or(class, judged.class), retry: or(retry, judged.retry) })
}

fn read_row(table: &mut TableReader<'_>) -> Option<Row> {
    let status = table.count("status", 100..=999, "404");
    let grpc = table.count("grpc", 0..=16, "5");
    refuse_grpc(table.reading(), &table.path_of("grpc"), grpc);
    match (status, grpc) {
        (Some(status), None) => u16::try_from(status.value).ok().map(Row::Status),
        (None, Some(code)) => Some(Row::Grpc(GrpcCode::from_number(code.value))),
        (None, None) if table.has("status") || table.has("grpc") => None,
        _ => {
            let what = "an override needs either status or grpc";
            table.wrong(table.place(), what, "write status = 404, or grpc = 5");
            None
        }
    }
}

/// The gateway passes gRPC on as HTTP and does not read its status.
fn refuse_grpc(reading: &Reading<'_>, path: &str, given: Option<Given<u32>>) {
    if let (Some(given), Scope::Gateway) = (given, reading.scope()) {
        let what = format!("{path}: the gateway does not read the status of gRPC answers");
        reading.wrong(given.place, what, "write status = 503 for HTTP, or remove it");
    }
}

/// What the table says of a row.
fn by_table(row: Row) -> Outcome {
    let seen = match row {
        Row::Status(code) => Observation::Status { code, retry_after: None, exhausted: false },
        Row::Grpc(code) => Observation::Grpc { code, pushback: None, exhausted: false },
    };
    classify(seen, RetryOn500::Never)
}

/// The rows of a list, in order.
pub(crate) fn rows(overrides: &Overrides) -> impl Iterator<Item = &Override> {
    let statuses = (100..=999).map(Row::Status);
    let codes = GrpcCode::ALL.into_iter().map(Row::Grpc);
    statuses.chain(codes).filter_map(|row| overrides.of(row))
}
