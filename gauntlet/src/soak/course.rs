//! How one product is soaked: a little load first, quiet, the load with its faults, quiet again; a
//! reading every second throughout.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::felt::{self, Parts};
use super::plan::{self, MINUTE, Slot, WARM_UP};
use super::verdict::{self, Reading};
use super::{Minute, Soaked};
use crate::arena::{Arena, Ground};
use crate::fault::{self, Act, Faults};
use crate::load::Summary;
use crate::matrix::say;
use crate::peer::{Product, Running, Settings};
use crate::record::{Deed, What, read_answered};
use crate::run::{Guarded, Key, Order, Scene, Stop, Stopped, attempts_file, begin};
use crate::scenario::{Load, Phases, Scenario};
use crate::stamp::Stamp;
use crate::stream::{self, Planned, Seed};

/// Between two readings.
const EVERY: Duration = Duration::from_secs(1);

/// The little load before: code and tables that are touched once are touched by then.
const FIRST: Duration = Duration::from_secs(3);
/// Requests a second of it.
const FIRST_RATE: f64 = 100.0;

/// From its end to the quiet that is read: twice as long as Seawall keeps an idle connection.
const SETTLE: Duration = Duration::from_secs(8);
/// How long the quiet before is read.
const QUIET: Duration = Duration::from_secs(5);

/// How long a product may take to give back what it took: nginx keeps idle connections for a
/// minute, and what is kept for longer than this is told as kept.
const GIVE_BACK: Duration = Duration::from_secs(75);

/// From starting the generator to its first request: a second, and the reading of its stream.
const LEAD: Duration = Duration::from_secs(1);
const LEAD_EACH: Duration = Duration::from_micros(20);

/// The generator's own lag that makes a soak worthless: a tenth of a fault's deadline. Other runs
/// are held to 2 ms, as they compare latencies; here only memory and failures count.
const LAG: u64 = 200_000_000;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) product: Product,
    pub(super) settings: Settings,
    pub(super) scenario: &'a Scenario,
    pub(super) slots: &'a [Slot],
}

/// Why a product was not soaked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error("{0}")]
    Product(String),
    #[error("the generator failed: {0}")]
    Generator(String),
    #[error("the records cannot be had: {0}")]
    Records(String),
}

fn records(error: impl std::fmt::Display) -> Failed {
    Failed::Records(error.to_string())
}

/// Soaks a product.
pub(super) fn soak(
    asked: &Asked<'_>,
    (master, ground): (u64, Ground),
    stop: &Stop,
) -> Result<Soaked, Failed> {
    let folder = Folder::make(asked.product).map_err(records)?;
    let minutes = u32::try_from(asked.slots.len()).unwrap_or(u32::MAX);
    let key = Key {
        product: asked.product,
        settings: asked.settings,
        scenario: asked.scenario.id.clone(),
        seed: 0,
    };
    let program = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
    let order = Order {
        scenario: asked.scenario,
        phases: plan::phases(minutes),
        key,
        seed: Seed { master, number: 0 },
        ground,
        folder: &folder.0,
        program: &program,
        seawall: None,
        stop,
    };
    // Nobody looks at the attempts, and half an hour of them is half a gigabyte.
    for index in 0..asked.scenario.replicas.all() {
        let log = folder.0.join(attempts_file(index));
        std::os::unix::fs::symlink("/dev/null", log).map_err(records)?;
    }
    let arena = Arena::build(asked.scenario.replicas.all(), ground);
    let arena = Arc::new(arena.map_err(|why| Failed::Product(why.to_string()))?);
    let scene = Scene::build(&order, &arena).map_err(|why| Failed::Product(why.to_string()))?;
    Course { order: &order, slots: asked.slots, scene, readings: Vec::new() }.follow()
}

/// A soak under way.
struct Course<'a> {
    order: &'a Order<'a>,
    slots: &'a [Slot],
    scene: Scene<'a>,
    readings: Vec<Reading>,
}

impl Course<'_> {
    fn follow(mut self) -> Result<Soaked, Failed> {
        let stop = self.order.stop;
        self.first_load()?;
        stop.wait(SETTLE)?;
        // What was read under the first load was no quiet.
        self.readings.clear();
        self.read_until(Stamp::now().after(nanos(QUIET)))?;
        let before = std::mem::take(&mut self.readings);
        let stream = stream::draw(self.order.scenario, self.order.seed, self.order.phases);
        let generator = self.generate("soak", &stream)?;
        let start = generator.start;
        let deeds = self.strike(start)?;
        self.await_end(generator.child)?;
        let during = std::mem::take(&mut self.readings);
        self.settle(&before)?;
        let after = std::mem::take(&mut self.readings);
        let version = self.scene.product.version().to_owned();
        self.soaked((start, version), &deeds, [before, during, after])
    }

    fn first_load(&mut self) -> Result<(), Failed> {
        let scenario = self.order.scenario;
        let load = Load { rate: FIRST_RATE, ..scenario.load.clone() };
        let first = Scenario { id: "soak-first".to_owned(), load, ..scenario.clone() };
        let none = Duration::ZERO;
        let phases = Phases { warm_up: FIRST, control: none, fault: none, observation: none };
        let stream = stream::draw(&first, self.order.seed, phases);
        let generator = self.generate("first", &stream)?;
        self.await_end(generator.child)
    }

    fn generate(&self, name: &str, stream: &[Planned]) -> Result<Generator, Failed> {
        let file = |what: &str| self.scene.folder.join(format!("{name}.{what}"));
        stream::write(&file("stream"), stream).map_err(records)?;
        let count = u32::try_from(stream.len()).unwrap_or(u32::MAX);
        let start = Stamp::now().after(nanos(LEAD + LEAD_EACH * count));
        let patience = self.order.scenario.load.patience.as_millis();
        let words = [
            ("--stream", file("stream").display().to_string()),
            ("--out", file("answered").display().to_string()),
            ("--summary", file("summary").display().to_string()),
            ("--start", start.0.to_string()),
            ("--patience", patience.to_string()),
            ("--to", self.scene.product.address().to_string()),
        ];
        let child = begin(&self.scene, "load", &words);
        let child = child.map_err(|error| Failed::Generator(error.to_string()))?;
        Ok(Generator { start, child })
    }

    /// Does every fault at its time, and tells each minute what is held.
    fn strike(&mut self, start: Stamp) -> Result<Vec<Deed>, Failed> {
        let strikes: Vec<_> = self.slots.iter().flat_map(|slot| slot.strikes.clone()).collect();
        let acts = fault::plan(&strikes, self.order.phases);
        let mut acts = acts.into_iter().filter(|(_, act)| !matches!(act, Act::Phase(_))).peekable();
        let mut faults = Faults::new(strikes);
        for (minute, slot) in (0_u32..).zip(self.slots) {
            let end = WARM_UP + MINUTE * (minute + 1);
            while let Some((at, act)) = acts.next_if(|(at, _)| *at < end) {
                self.read_until(start.after(nanos(at)))?;
                faults.act(Stamp::now(), act, &mut self.scene);
            }
            self.read_until(start.after(nanos(end)))?;
            self.tell(minute, slot);
        }
        Ok(faults.into_deeds())
    }

    fn tell(&self, minute: u32, slot: &Slot) {
        let all = self.slots.len();
        let held = self.readings.last().map(|reading| reading.cost).unwrap_or_default();
        let (mib, files) = (held.resident >> 20, held.descriptors);
        let (threads, name) = (held.threads, slot.name);
        say(&format!(
            "[{}/{all} min] {name}: {mib} MiB, {files} descriptors, {threads} threads",
            minute + 1
        ));
    }

    fn await_end(&mut self, mut child: Guarded) -> Result<(), Failed> {
        let failed = |error: &dyn std::fmt::Display| Failed::Generator(error.to_string());
        loop {
            match child.0.try_wait().map_err(|error| failed(&error))? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(failed(&status)),
                None => self.read_until(Stamp::now().after(nanos(EVERY)))?,
            }
        }
    }

    /// Waits until it holds no more than before, but not for ever.
    fn settle(&mut self, before: &[Reading]) -> Result<(), Failed> {
        let end = Stamp::now().after(nanos(GIVE_BACK));
        self.readings.clear();
        loop {
            self.read_until(Stamp::now().after(nanos(EVERY)))?;
            let settled = self.readings.last().is_some_and(|now| verdict::is_settled(before, now));
            if settled || Stamp::now() >= end {
                return Ok(());
            }
        }
    }

    /// Takes a reading every second until a time.
    fn read_until(&mut self, until: Stamp) -> Result<(), Stopped> {
        loop {
            let next = self.readings.last().map(|last| last.at.after(nanos(EVERY)));
            let next = next.unwrap_or_else(Stamp::now);
            self.order.stop.wait_until(next.min(until))?;
            if next > until {
                return Ok(());
            }
            self.readings.push(reading(&self.scene.product));
        }
    }

    fn soaked(
        self,
        (start, version): (Stamp, String),
        deeds: &[Deed],
        [before, during, after]: [Vec<Reading>; 3],
    ) -> Result<Soaked, Failed> {
        let folder = &self.scene.folder;
        let answered = read_answered(&folder.join("soak.answered")).map_err(records)?;
        let summary = fs::read(folder.join("soak.summary")).map_err(records)?;
        let summary: Summary = serde_json::from_slice(&summary).map_err(records)?;
        let from = start.after(nanos(WARM_UP));
        let parts = Parts { from, each: nanos(MINUTE), count: self.slots.len() };
        let judged: Vec<&Reading> =
            during.iter().filter(|reading| parts.of(reading.at).is_some()).collect();
        let deadline = nanos(self.order.scenario.load.deadline);
        let felt = felt::felt(&answered, parts, deadline);
        let minutes = (0..).zip(self.slots).zip(felt).map(|((index, slot), felt)| {
            let here = judged.iter().filter(|reading| parts.of(reading.at) == Some(index));
            let here: Vec<&Reading> = here.copied().collect();
            Minute {
                fault: slot.name.to_owned(),
                targets: slot.targets(),
                felt,
                resident: verdict::mean(&here),
                descriptors: here.iter().map(|reading| reading.cost.descriptors).max(),
                threads: here.iter().map(|reading| reading.cost.threads).max(),
            }
        });
        Ok(Soaked {
            product: self.order.key.product,
            settings: self.order.key.settings,
            version,
            rate: self.order.scenario.load.rate,
            master: self.order.seed.master,
            start,
            minutes: minutes.collect(),
            verdict: verdict::judge(&before, &judged, &after),
            flaws: flaws(deeds, summary, felt::lag(&answered)),
            before,
            during,
            after,
        })
    }
}

/// A generator that runs, and when its load begins.
struct Generator {
    start: Stamp,
    child: Guarded,
}

fn reading(product: &Running<'_>) -> Reading {
    // Its own account comes last: asking for it costs a connection.
    let (at, cost) = (Stamp::now(), product.cost());
    Reading { at, cost, holds: product.holds().unwrap_or_default() }
}

fn flaws(deeds: &[Deed], summary: Summary, lag: Option<u64>) -> Vec<String> {
    let unproven = deeds.iter().filter(|deed| deed.what == What::Unproven);
    let mut flaws: Vec<String> =
        unproven.map(|deed| format!("not shown to hold or to be gone: {}", deed.note)).collect();
    if !summary.is_valid() {
        flaws.push(format!("the generator did not do all that it should: {summary:?}"));
    }
    if let Some(lag) = lag.filter(|lag| *lag > LAG) {
        flaws.push(format!("the generator was late itself: p99 of its lag {} ms", lag / 1_000_000));
    }
    flaws
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A folder that goes with the soak.
struct Folder(PathBuf);

impl Folder {
    fn make(product: Product) -> std::io::Result<Self> {
        let name = format!("gauntlet-soak-{}-{product}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // That of another config of the same product in this very process.
        let _absent = fs::remove_dir_all(&path);
        fs::create_dir_all(&path)?;
        Path::canonicalize(&path).map(Self)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left_for_the_system = fs::remove_dir_all(&self.0);
    }
}
