//! "Did you mean": the known word nearest to a mistyped one.

/// The known word that `word` was probably meant to be.
///
/// Counts insertions, deletions, replacements and swaps of neighbours. At most a third of the
/// letters may differ: a far-fetched guess is worse than the list of all words.
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let lowered = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    known
        .iter()
        .map(|candidate| (strsim::osa_distance(&lowered, candidate), *candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `did you mean "breaker"?`, or else the list of what is known, called `kind`.
pub fn remedy(word: &str, known: &[&str], kind: &str) -> String {
    match nearest(word, known) {
        Some(candidate) => format!("did you mean \"{candidate}\"?"),
        None if known.is_empty() => format!("there are no {kind} here"),
        None => format!("{kind}: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let known = ["breaker", "bulkhead", "balance"];
        assert_eq!(nearest("breakr", &known), Some("breaker"));
        assert_eq!(nearest("baernk", &known), None);
        assert_eq!(nearest("Bulkhaed", &known), Some("bulkhead"));
        assert_eq!(remedy("zzz", &known, "known keys"), "known keys: breaker, bulkhead, balance");
    }
}
