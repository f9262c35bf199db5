//! Relative links in documents must lead somewhere. Links to other hosts are not tried: no
//! check here needs the net.

use super::findings::Finding;
use super::repository::Repository;

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    for (path, text) in repository.ending(".md") {
        for (line, target) in links(text) {
            let place = target.split(['#', '?']).next().unwrap_or_default();
            if is_elsewhere(target) || place.is_empty() {
                continue;
            }
            if !resolve(path, place).is_some_and(|place| repository.has(&place)) {
                let what = format!("the link `{target}` leads nowhere");
                findings.push(Finding::new(path, line, what, "correct the path or drop the link"));
            }
        }
    }
}

/// The targets of links with their lines, those in code left out.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        let start = line.trim_start();
        if start.starts_with("```") || start.starts_with("~~~") {
            fenced = !fenced;
        } else if !fenced {
            found.extend(targets(line).map(|target| (index + 1, target)));
        }
    }
    found
}

fn targets(line: &str) -> impl Iterator<Item = &str> {
    // Even parts lie outside of backticks, odd ones are code.
    let prose = line.split('`').step_by(2);
    let inline = prose.flat_map(|part| part.split("](").skip(1).filter_map(inside_parenthesis));
    inline.chain(definition(line))
}

fn inside_parenthesis(rest: &str) -> Option<&str> {
    let (target, _) = rest.split_once(')')?;
    target.split_whitespace().next()
}

/// `[name]: target` on a line of its own.
fn definition(line: &str) -> Option<&str> {
    let (name, target) = line.strip_prefix('[')?.split_once("]: ")?;
    (!name.contains(']')).then(|| target.split_whitespace().next()).flatten()
}

fn is_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

/// The path from the root, or nothing when it leaves the repository.
fn resolve(document: &str, place: &str) -> Option<String> {
    let mut parts: Vec<&str> = match place.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => document.split('/').collect(),
    };
    parts.pop();
    for part in place.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}
