//! Reading a scenario file: every mistake at once, each with its place and its mend.

use std::path::Path as FilePath;

use super::table::{Notes, Reader};
use super::{
    Arrivals, Checks, Load, Mistake, Mix, Path, Phases, Replicas, Scenario, base, check, files,
    read_fault,
};

/// The scenarios that come with the program.
///
/// # Errors
/// The mistakes of all files; a test holds that there are none.
pub fn builtin() -> Result<Vec<Scenario>, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let mut all = Vec::new();
    for (file, source) in files::ALL {
        match read(source, file) {
            Ok(scenario) => all.push(scenario),
            Err(mut list) => mistakes.append(&mut list),
        }
    }
    if mistakes.is_empty() { Ok(all) } else { Err(mistakes) }
}

/// Reads a file.
///
/// # Errors
/// All its mistakes, or the one that it cannot be read.
pub fn load(path: &FilePath) -> Result<Scenario, Vec<Mistake>> {
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(source) => read(&source, &file),
        Err(error) => {
            let (what, mend) =
                (format!("cannot be read: {error}"), "check the path and its rights");
            Err(vec![Mistake { file, line: 0, column: 0, what, mend: mend.to_owned() }])
        }
    }
}

/// Reads the text of a file, which is called `file` in messages.
///
/// # Errors
/// All its mistakes in the order of their places.
pub fn read(source: &str, file: &str) -> Result<Scenario, Vec<Mistake>> {
    let notes = Notes::new(file, source);
    let document = match toml_edit::Document::parse(source) {
        Ok(document) => document,
        Err(error) => {
            let what = format!("is no TOML: {}", error.message().trim());
            notes.wrong(error.span().unwrap_or(0..0), what, "mend the syntax here");
            return Err(notes.into_list());
        }
    };
    let scenario = whole(Reader::root(&notes, document.as_table()));
    let list = notes.into_list();
    if list.is_empty() { Ok(scenario) } else { Err(list) }
}

fn whole(mut root: Reader<'_>) -> Scenario {
    let (id, name) = (root.needed_text("id"), root.needed_text("name"));
    let about = root.needed_text("about");
    let paths = [("direct", Path::Direct), ("relay", Path::Relay)];
    let path = root.word("path", &paths).map_or(Path::Direct, |given| given.value);
    let checks = [("off", Checks::Off), ("on", Checks::On), ("blind", Checks::Blind)];
    let checks = root.word("health_checks", &checks).map_or(Checks::On, |given| given.value);
    let load = root.table("load").map_or(base::LOAD, load_of);
    let replicas = root.table("replicas").map_or(base::REPLICAS, |t| replicas_of(t, load.routes));
    let phases = root.table("phases").map_or(base::PHASES, |t| phases_of(t, base::PHASES));
    let quick = root.table("quick").map_or(base::QUICK, |t| phases_of(t, base::QUICK));
    let frame = check::Frame { path, replicas: replicas.count, phases, quick };
    let faults = root.tables("fault").into_iter();
    let faults = faults.filter_map(|table| read_fault::disturbance(table, &frame)).collect();
    root.finish();
    let health_checks = checks;
    Scenario { id, name, about, load, replicas, phases, quick, path, faults, health_checks }
}

fn load_of(mut t: Reader<'_>) -> Load {
    let base = base::LOAD;
    let mixes = [("gets", Mix::Gets), ("posts", Mix::Posts), ("mixed", Mix::Mixed)];
    let deadline = t.duration("deadline").map_or(base.deadline, |given| given.value);
    let patience = t.duration("patience");
    if let Some(given) = patience.as_ref().filter(|given| given.value < deadline) {
        let what = "load.patience is shorter than load.deadline";
        t.notes.wrong(given.span.clone(), what, "users wait at least until their deadline");
    }
    let (high, low) = shares(&mut t);
    let read = Load {
        rate: t.number("rate").map_or(base.rate, |given| given.value),
        arrivals: arrivals(&mut t),
        mix: t.word("mix", &mixes).map_or(base.mix, |given| given.value),
        deadline,
        patience: patience.map_or_else(|| base.patience.max(deadline), |given| given.value),
        routes: t.small("routes", 8).map_or(base.routes, |given| given.value),
        tenants: t.small("tenants", 100).map_or(base.tenants, |given| given.value),
        high,
        low,
        bytes: t.whole("bytes", (1, 1 << 24)).map_or(base.bytes, |given| given.value),
    };
    t.finish();
    read
}

fn shares(t: &mut Reader<'_>) -> (f64, f64) {
    let high = t.share("high");
    let low = t.share("low");
    let sum = high.as_ref().map_or(base::LOAD.high, |given| given.value)
        + low.as_ref().map_or(base::LOAD.low, |given| given.value);
    if let Some(given) = high.as_ref().or(low.as_ref()).filter(|_| sum > 1.0) {
        let what = "load.high and load.low are more than all requests together";
        t.notes.wrong(given.span.clone(), what, "lower one; what is left is of normal priority");
    }
    let or = |given: Option<super::table::Given<f64>>, base| given.map_or(base, |g| g.value);
    (or(high, base::LOAD.high), or(low, base::LOAD.low))
}

/// How users come, with the measures of their kind and no others.
fn arrivals(t: &mut Reader<'_>) -> Arrivals {
    let words = [("poisson", 0_u8), ("constant", 1), ("bursts", 2), ("closed", 3)];
    let word = t.word("arrivals", &words).map_or(0, |given| given.value);
    let users = t.whole("users", (1, 10_000));
    let think = t.duration("think");
    let (every, lasts) = (t.duration("every"), t.duration("lasts"));
    let (of_closed, of_bursts) =
        (users.is_some() || think.is_some(), every.is_some() || lasts.is_some());
    if of_closed && word != 3 {
        t.wrong("users and think belong to a closed loop", "write arrivals = \"closed\"");
    }
    if of_bursts && word != 2 {
        t.wrong("every and lasts belong to bursts", "write arrivals = \"bursts\"");
    }
    match (word, users, think, every, lasts) {
        (1, ..) => Arrivals::Constant,
        (2, _, _, Some(every), Some(lasts)) if lasts.value < every.value => {
            Arrivals::Bursts { every: every.value, lasts: lasts.value }
        }
        (2, ..) => {
            t.wrong(
                "a burst is shorter than its distance from the next",
                "add every = \"2s\" and lasts = \"500ms\"",
            );
            Arrivals::Poisson
        }
        (3, Some(users), Some(think), ..) => {
            Arrivals::Closed { users: users.value, think: think.value }
        }
        (3, ..) => {
            t.wrong("a closed loop has users who think", "add users = 50 and think = \"100ms\"");
            Arrivals::Poisson
        }
        _ => Arrivals::Poisson,
    }
}

fn replicas_of(mut t: Reader<'_>, routes: u8) -> Replicas {
    let base = base::REPLICAS;
    let service = t.duration("service");
    if let Some(given) = service.as_ref().filter(|given| given.value.is_zero()) {
        t.notes.wrong(given.span.clone(), "replicas.service is no time", "write \"20ms\"");
    }
    let read = Replicas {
        count: t.small("count", 16).map_or(base.count, |given| given.value),
        aside: t.small("aside", 16).map_or(base.aside, |given| given.value),
        workers: t.whole("workers", (1, 10_000)).map_or(base.workers, |given| given.value),
        queue: t.whole("queue", (0, 100_000)).map_or(base.queue, |given| given.value),
        service: service.map_or(base.service, |given| given.value),
    };
    if read.aside > 0 && routes < 2 {
        t.wrong("there is no route aside", "add routes = 2 to [load], or remove replicas.aside");
    }
    t.finish();
    read
}

fn phases_of(mut t: Reader<'_>, base: Phases) -> Phases {
    let mut phase = |key, base| match t.duration(key) {
        Some(given) if given.value.is_zero() => {
            t.notes.wrong(given.span, format!("{key} has no length"), "write at least \"1s\"");
            base
        }
        given => given.map_or(base, |given| given.value),
    };
    let read = Phases {
        warm_up: phase("warm_up", base.warm_up),
        control: phase("control", base.control),
        fault: phase("fault", base.fault),
        observation: phase("observation", base.observation),
    };
    t.finish();
    read
}
