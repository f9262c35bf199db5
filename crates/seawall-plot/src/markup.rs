//! A judge of pages for tests: whether their tags balance, and whether they ask for anything from
//! outside.

/// What is wrong with a page, if anything.
#[must_use]
pub fn faults(page: &str) -> Vec<String> {
    let mut faults = unbalanced(page);
    let banned =
        ["http://", "https://", "<script", "<link", "<img", "url(", "@import", "NaN", "inf\""];
    faults.extend(
        banned.iter().filter(|word| page.contains(**word)).map(|word| format!("has {word}")),
    );
    faults
}

/// Tags that do not close what was opened. The page is written so that it is XML too: nothing is
/// left open, and what stands alone ends with a slash.
fn unbalanced(page: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for part in page.split('<').skip(1) {
        let Some((tag, _)) = part.split_once('>') else {
            faults.push(format!("no end of <{part}"));
            continue;
        };
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        if tag.matches('"').count() % 2 != 0 {
            faults.push(format!("quotes of <{tag}>"));
        }
        if let Some(closed) = name.strip_prefix('/') {
            if open.pop() != Some(closed) {
                faults.push(format!("</{closed}> closes something else"));
            }
        } else if !tag.ends_with('/') && !name.starts_with('!') {
            open.push(name);
        }
    }
    faults.extend(open.iter().map(|name| format!("<{name}> stays open")));
    faults
}

#[test]
fn the_judge_finds_what_is_wrong() {
    assert!(faults("<!DOCTYPE html><p a=\"b\">x<br/></p>").is_empty());
    for bad in ["<p>", "<p></b></p>", "<p a=\"b></p>", "<p><script></script></p>", "a<b", "NaN"] {
        assert!(!faults(bad).is_empty(), "{bad}");
    }
}
