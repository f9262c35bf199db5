//! L27: injected faults that somebody forgot.

use crate::lint::facts::FaultFacts;
use crate::lint::finding::{Finding, Severity};
use crate::lint::rule::Rule;
use crate::lint::view::{Judged, Missing, Notes, View};

/// A fault without an end, in production, or past its last day.
pub(super) fn l27_left_on(view: &View<'_>, notes: &mut Notes) {
    let rule = Rule::numbered::<27>();
    for (name, fault) in &view.facts.faults {
        if fault.enabled && view.facts.production {
            let what = "it is enabled where real users are served".to_owned();
            notes.findings.push(left_on(view, (name, fault), ("enabled", what)));
        }
        if fault.enabled && fault.ttl.is_none() && fault.expires.is_none() {
            let what = "it has neither a ttl nor a last day".to_owned();
            notes.findings.push(left_on(view, (name, fault), ("target", what)));
        }
        notes.keep(rule, &format!("fault {name}"), expired(view, name, fault));
    }
}

fn expired(view: &View<'_>, name: &str, fault: &FaultFacts) -> Judged {
    let Some(last) = fault.expires else { return Ok(None) };
    let needs = || Missing("the day of the check: assume.today".to_owned());
    let today = view.facts.today.ok_or_else(needs)?;
    if today <= last {
        return Ok(None);
    }
    let what = format!("its last day was {last}, and today is {today}");
    Ok(Some(left_on(view, (name, fault), ("expires", what))))
}

fn left_on(
    view: &View<'_>,
    (name, fault): (&str, &FaultFacts),
    (key, what): (&str, String),
) -> Finding {
    let path = format!("assume.faults.{name}");
    let key = view.fact(&format!("{path}.{key}"), String::new());
    let used = if key.place.is_some() { key } else { view.fact(&path, String::new()) };
    let hit = fault.target.as_deref().unwrap_or("everything");
    let finding = Finding::new(Rule::numbered::<27>(), Severity::Error).unproved();
    let finding = finding.about(format!("fault {name}")).uses([used]);
    let fix = format!("remove [{path}], or give it ttl = \"10m\" where nobody is harmed");
    finding.mend(fix).says(what, format!("it goes on hitting {hit} after the experiment"))
}
