//! Where endpoints and callers stand: names of zones and their numbers, the key `zone` of a
//! balance table, and `subset`, the part of a large upstream that one instance uses.

use crate::reader::TableReader;
use seawall_core::balance::{
    Callers, SUBSET_MIN, SubsetSettings, ZONE_ENDPOINTS_MIN, ZONES_MAX, Zone, ZoneSettings,
};
use seawall_core::hash::hash;
use seawall_core::ratio::Ratio;

/// Never to change, or every instance of a fleet would move to another part of its upstreams.
const INSTANCE_SEED: u64 = 0;

/// Names that the core knows only as numbers and hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// The zones, each at its number.
    pub(crate) zones: Vec<String>,
    /// The name of this instance, where a subset goes by it.
    pub(crate) instance: Option<String>,
}

impl Places {
    /// The number of a zone, a new one if it is new; none once there are too many.
    pub(crate) fn zone(&mut self, name: &str) -> Option<Zone> {
        let known = self.zones.iter().position(|zone| zone == name);
        let number = known.unwrap_or_else(|| {
            self.zones.push(name.to_owned());
            self.zones.len() - 1
        });
        Zone::new(u8::try_from(number).ok()?)
    }

    /// The name of a zone.
    pub(crate) fn zone_name(&self, zone: Zone) -> &str {
        self.zones.get(zone.index()).map_or("", String::as_str)
    }

    /// Notes an upstream with more zones than can be told apart.
    pub(crate) fn check(&self, table: &TableReader<'_>) {
        if self.zones.len() > ZONES_MAX {
            let scope = if table.path().is_empty() { "the file" } else { table.path() };
            let what = format!("{scope} has {} zones", self.zones.len());
            let remedy = format!("name at most {ZONES_MAX}: zones are what fails together");
            table.wrong(table.place(), what, remedy);
        }
    }

    pub(super) fn read_zone(&mut self, table: &mut TableReader<'_>) -> Option<ZoneSettings> {
        let zone = table.table_or_off("zone", |t| self.read_own(t)).flatten().flatten()?;
        table.reading().check(table.path(), zone.validate(), &[]);
        Some(zone)
    }

    fn read_own(&mut self, table: &mut TableReader<'_>) -> Option<ZoneSettings> {
        let own = table.text("own", "\"a\"");
        let endpoints_min = table.count("endpoints_min", 1..=u32::MAX, "6");
        let shares = table.shares("callers").map(|given| given.value);
        if !table.has("own") {
            let what = format!("{} does not say where callers stand", table.path());
            table.wrong(table.place(), what, "write own = \"a\"");
        }
        let own = self.zone(own?.value)?;
        let callers = shares.map_or(Callers::Even, |shares| self.callers(&shares));
        let endpoints_min = endpoints_min.map_or(ZONE_ENDPOINTS_MIN, |given| given.value);
        Some(ZoneSettings { callers, endpoints_min, ..ZoneSettings::new(own) })
    }

    fn callers(&mut self, named: &[(String, Ratio)]) -> Callers {
        let mut shares = [Ratio::ZERO; ZONES_MAX];
        for (name, share) in named {
            let slot = self.zone(name).and_then(|zone| shares.get_mut(zone.index()));
            if let Some(slot) = slot {
                *slot = *share;
            }
        }
        Callers::Shares(shares)
    }

    pub(super) fn read_subset(&mut self, table: &mut TableReader<'_>) -> Option<SubsetSettings> {
        let subset = table.table_or_off("subset", |t| self.read_instance(t)).flatten().flatten()?;
        table.reading().check(table.path(), subset.validate(), &[]);
        Some(subset)
    }

    fn read_instance(&mut self, table: &mut TableReader<'_>) -> Option<SubsetSettings> {
        let size = table.count("size", 1..=u32::MAX, "20");
        let instance = table.text("instance", "\"gateway-1\"");
        if !table.has("instance") {
            let what = format!("{} does not say which instance this is", table.path());
            let remedy = "write instance = \"gateway-1\", another name on each instance";
            table.wrong(table.place(), what, remedy);
        }
        let instance = instance?.value;
        self.instance = Some(instance.to_owned());
        let hashed = hash(INSTANCE_SEED, instance.as_bytes());
        let size = size.map_or(SUBSET_MIN, |given| given.value);
        Some(SubsetSettings { size, ..SubsetSettings::new(hashed) })
    }
}
