//! L20: substitutes that fail together with what they stand in for, or lead back to it.
//!
//! The search is the core's; here names become numbers and back.

use crate::lint::finding::{Finding, Severity, Used};
use crate::lint::rule::Rule;
use crate::lint::view::{Notes, View};
use seawall_core::fallback::{Finding as Found, Guarded, Rung, lint};
use std::collections::BTreeMap;

/// Upstreams and whatever they depend on, by number.
#[derive(Default)]
struct Names<'a> {
    numbers: BTreeMap<&'a str, u32>,
    names: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn number(&mut self, name: &'a str) -> u32 {
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(name).or_insert(next);
        if number == next {
            self.names.push(name);
        }
        number
    }

    fn name(&self, number: u32) -> &'a str {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        self.names.get(at).copied().unwrap_or_default()
    }
}

/// What one upstream needs, and who stands in for it.
struct Ladder {
    upstream: u32,
    depends_on: Vec<u32>,
    rungs: Vec<Rung>,
}

impl Ladder {
    fn guarded(&self) -> Guarded<'_> {
        let Self { upstream, depends_on, rungs } = self;
        Guarded { upstream: *upstream, depends_on, rungs }
    }
}

/// A circle of fallbacks, or a fallback that shares a dependency with what it replaces.
pub(super) fn l20_shared_fate(view: &View<'_>, notes: &mut Notes) {
    let mut names = Names::default();
    if view.facts.upstreams.values().all(|said| said.fallback_to.is_empty()) {
        return;
    }
    let ladders = ladders(view, &mut names);
    let guarded: Vec<_> = ladders.iter().map(Ladder::guarded).collect();
    notes.findings.extend(lint(&guarded).iter().map(|found| describe(view, &names, found)));
}

/// What a service calls in turn it depends on, like the rest that it says it does.
fn ladders<'a>(view: &View<'a>, names: &mut Names<'a>) -> Vec<Ladder> {
    let mut ladders = Vec::new();
    for (name, facts) in &view.facts.upstreams {
        let upstream = names.number(name);
        let called = view.config.routes.iter().filter(|route| facts.calls.contains(&route.name));
        let called = called.map(|route| route.upstream.as_str());
        let said = facts.depends_on.iter().map(String::as_str);
        let depends_on = called.chain(said).map(|name| names.number(name)).collect();
        let rungs = facts.fallback_to.iter().map(|name| Rung::Upstream(names.number(name)));
        let rungs = rungs.collect();
        ladders.push(Ladder { upstream, depends_on, rungs });
    }
    ladders
}

fn describe(view: &View<'_>, names: &Names<'_>, found: &Found) -> Finding {
    match found {
        Found::Cycle(around) => {
            let around: Vec<_> = around.iter().map(|number| names.name(*number)).collect();
            let first = around.first().copied().unwrap_or_default();
            let formula = format!("{} → {first}", around.join(" → "));
            let consequence = "in an outage of all of them each waits for the next one's answer";
            let fix =
                "end the ladder with an answer that cannot fail: fallback = [{ body = \"…\" }]";
            let used: Vec<_> = around.iter().map(|name| rung(view, name)).collect();
            let finding = Finding::new(Rule::numbered::<20>(), Severity::Error).on_upstream(first);
            finding.uses(used).mend(fix).says(formula, consequence)
        }
        Found::SharedDependency { upstream, rung: other, dependency } => {
            let [upstream, other, shared] =
                [upstream, other, dependency].map(|number| names.name(*number));
            let formula = format!("{upstream} and its fallback {other} both need {shared}");
            let consequence = format!("when {shared} fails the fallback fails with it");
            let fix = format!("a fallback for {upstream} that does not need {shared}");
            let needs = [upstream, other]
                .map(|name| view.fact_of_upstream(name, "depends_on", shared.to_owned()));
            let finding = Finding::new(Rule::numbered::<20>(), Severity::Error);
            let finding = finding.on_upstream(upstream).uses([rung(view, upstream)]).uses(needs);
            finding.mend(fix).says(formula, consequence)
        }
    }
}

fn rung(view: &View<'_>, upstream: &str) -> Used {
    let to = view.of_upstream(upstream).fallback_to.join(", ");
    view.fact_of_upstream(upstream, "fallback_to", to)
}
