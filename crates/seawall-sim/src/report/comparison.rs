//! Two outcomes side by side, paired by seed: what another config changes.

use super::html;
use super::piece::{Piece, Pieces, Style};
use super::tree::{Tree, list, object};
use super::{VERSION, json, piece, words};
use crate::outcome::Outcome;
use crate::verdict::{CONFIDENCE, Change, Fates, Paired, Wish, paired};

/// What a second outcome does otherwise than a first.
#[derive(Debug)]
pub struct Comparison<'a> {
    pub(super) old: &'a Outcome,
    pub(super) new: &'a Outcome,
    pub(super) pairs: Vec<Paired>,
}

/// Compares two outcomes, point by point where they sweep the same values, run by run where their
/// seeds are the same.
#[must_use]
pub fn compare<'a>(old: &'a Outcome, new: &'a Outcome) -> Comparison<'a> {
    Comparison { old, new, pairs: paired(old, new) }
}

/// How a change is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Better,
    Worse,
    /// Clear, but of a number that is neither good nor bad.
    Other,
    /// Chance alone may explain it.
    Unclear,
}

impl Judgement {
    pub(super) fn of(change: &Change) -> Self {
        let up = change.difference.mean > 0.0;
        match (change.difference.is_clear(), change.measure.wish()) {
            (false, _) => Self::Unclear,
            (true, Wish::None) => Self::Other,
            (true, Wish::More) => {
                if up {
                    Self::Better
                } else {
                    Self::Worse
                }
            }
            (true, Wish::Less) => {
                if up {
                    Self::Worse
                } else {
                    Self::Better
                }
            }
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Other => "other",
            Self::Unclear => "no clear change",
        }
    }
}

impl Comparison<'_> {
    /// For a terminal, in pieces with their styles.
    #[must_use]
    pub fn summary(&self) -> Vec<Piece> {
        let mut out = Pieces::default();
        out.line(Style::Strong, format!("{} → {}", self.old.title, self.new.title));
        out.line(Style::Dim, self.origin());
        for told in self.sentences() {
            out.line(Style::Plain, told);
        }
        for pair in &self.pairs {
            self.pair(pair, &mut out);
        }
        out.heading("To repeat");
        out.line(Style::Plain, format!("  {}", self.old.command));
        out.line(Style::Plain, format!("  {}", self.new.command));
        out.line(Style::Dim, format!("  master seed {}", self.new.seed));
        out.0
    }

    /// The same without styles.
    #[must_use]
    pub fn text(&self) -> String {
        piece::plain(&self.summary())
    }

    /// Everything as one JSON object.
    #[must_use]
    pub fn json(&self) -> String {
        object([
            ("format", 1_u32.into()),
            ("seawall", VERSION.into()),
            ("old", side(self.old)),
            ("new", side(self.new)),
            ("verdict", list(self.sentences())),
            ("confidence_percent", CONFIDENCE.into()),
            ("points", list(self.pairs.iter().map(pair))),
        ])
        .written()
    }

    /// One self-contained page.
    #[must_use]
    pub fn html(&self) -> String {
        html::comparison(self)
    }

    pub(super) fn origin(&self) -> String {
        let pairs: usize = self.pairs.iter().map(|pair| pair.fates.pairs()).sum();
        let pairs = words::count(pairs, "pair");
        format!("{pairs} of runs with the same seed · seed {} · seawall {VERSION}", self.new.seed)
    }

    /// What changes, in sentences; never empty.
    pub(super) fn sentences(&self) -> Vec<String> {
        let all = self.pairs.iter().map(|pair| pair.fates).fold(Fates::default(), plus);
        if all.pairs() == 0 {
            return vec!["No run of one has the seed and values of a run of the other.".to_owned()];
        }
        let mut told = vec![fates(all)];
        if let [pair] = self.pairs.as_slice() {
            told.extend(changes(pair));
        }
        told
    }

    fn pair(&self, pair: &Paired, out: &mut Pieces) {
        out.heading(&self.name(pair));
        out.line(Style::Plain, format!("  {}", fates(pair.fates)));
        if pair.leaves_out {
            out.line(Style::Dim, "  Measures are of the pairs that work under both.");
        }
        let head = ["", "old", "new", "difference", ""].map(str::to_owned);
        let mut rows = vec![Vec::from(head)];
        rows.extend(pair.changes.iter().map(|change| {
            let unit = change.measure.unit;
            vec![
                change.measure.name.to_owned(),
                words::estimate(unit, &change.old),
                words::estimate(unit, &change.new),
                words::difference(unit, &change.difference),
                Judgement::of(change).word().to_owned(),
            ]
        }));
        out.table(&rows);
    }

    /// What a pair is called: the values of its sweep.
    pub(super) fn name(&self, pair: &Paired) -> String {
        let values = self.old.axes.iter().zip(&pair.values);
        let values: Vec<_> = values.map(|(axis, v)| format!("{} = {v}", axis.name)).collect();
        if values.is_empty() { "Measures".to_owned() } else { values.join(", ") }
    }
}

const fn plus(a: Fates, b: Fates) -> Fates {
    Fates {
        both_back: a.both_back + b.both_back,
        lost: a.lost + b.lost,
        won: a.won + b.won,
        both_down: a.both_down + b.both_down,
    }
}

pub(super) fn fates(fates: Fates) -> String {
    format!(
        "{}: both work in {}, only the new in {}, only the old in {}, neither in {}.",
        words::count(fates.pairs(), "pair"),
        fates.both_back,
        fates.won,
        fates.lost,
        fates.both_down
    )
}

/// Which measures are better and which worse.
fn changes(pair: &Paired) -> Vec<String> {
    let of = |judgement: Judgement| {
        let all = pair.changes.iter().filter(|change| Judgement::of(change) == judgement);
        all.map(|c| {
            format!("{} {}", c.measure.name, words::difference(c.measure.unit, &c.difference))
        })
        .collect::<Vec<_>>()
    };
    let told = [(Judgement::Better, "Better"), (Judgement::Worse, "Worse")].map(|(what, word)| {
        let all = of(what);
        (!all.is_empty()).then(|| format!("{word}: {}.", all.join(", ")))
    });
    let told: Vec<String> = told.into_iter().flatten().collect();
    if told.is_empty() { vec!["No measure changes clearly.".to_owned()] } else { told }
}

fn side(outcome: &Outcome) -> Tree {
    object([
        ("title", (&outcome.title).into()),
        ("command", (&outcome.command).into()),
        ("seed", outcome.seed.to_string().into()),
    ])
}

fn pair(pair: &Paired) -> Tree {
    let changes = pair.changes.iter().map(|change| {
        object([
            ("measure", change.measure.name.into()),
            ("old", json::estimate(&change.old)),
            ("new", json::estimate(&change.new)),
            ("difference", json::estimate(&change.difference)),
            ("judgement", Judgement::of(change).word().into()),
        ])
    });
    object([
        ("values", list(&pair.values)),
        ("both_work", pair.fates.both_back.into()),
        ("only_new_works", pair.fates.won.into()),
        ("only_old_works", pair.fates.lost.into()),
        ("neither_works", pair.fates.both_down.into()),
        ("only_working_pairs", pair.leaves_out.into()),
        ("changes", list(changes)),
    ])
}
