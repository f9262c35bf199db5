//! Proofs as lines of text and as JSON.

use serde_json::{Value, json};

use super::{Compared, Contrast, Proof, SEED};
use crate::report::words;

impl Proof {
    /// A few lines, without a break at the end.
    #[must_use]
    pub fn text(&self) -> String {
        let head = format!("{} {}", self.rule, self.about);
        match &self.result {
            Ok(contrast) => format!("{head}: {}", contrast.text()),
            Err(why) => format!("{head}\n  not simulated: {why}"),
        }
    }

    /// The same as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let (rule, about) = (self.rule.to_string(), &self.about);
        match &self.result {
            Ok(contrast) => json!({
                "rule": rule,
                "about": about,
                "scene": contrast.scene,
                "fix": contrast.fix,
                "seed": SEED.to_string(),
                "runs": contrast.runs,
                "measures": contrast.measures.iter().map(Compared::json).collect::<Vec<_>>(),
            }),
            Err(why) => json!({ "rule": rule, "about": about, "not_simulated": why }),
        }
    }
}

impl Contrast {
    fn text(&self) -> String {
        let Self { scene, fix, runs, measures } = self;
        let runs = match runs {
            1 => format!("seed {SEED}"),
            many => format!("seed {SEED}, means of {many} runs"),
        };
        let lines = measures.iter().map(|measure| format!("\n  {}", measure.text()));
        format!("{scene} ({runs}){}\n  with {fix}", lines.collect::<String>())
    }

    /// The measure of this name.
    #[must_use]
    pub fn measure(&self, name: &str) -> Option<&Compared> {
        self.measures.iter().find(|measure| measure.name == name)
    }
}

impl Compared {
    /// `wasted work 43% now, 0% with the fix`.
    fn text(&self) -> String {
        let shown = |value: Option<f64>| {
            value.map_or_else(|| "never".to_owned(), |value| words::value(self.unit, value))
        };
        format!("{}: {} now, {} with the fix", self.name, shown(self.now), shown(self.fixed))
    }

    fn json(&self) -> Value {
        json!({ "name": self.name, "now": self.now, "fixed": self.fixed })
    }
}
