//! Sizes of functions and files: the walls that none may pass, and the table of medians beside
//! their targets. Test code is not measured.

use std::collections::BTreeMap;
use std::io::{self, Write};

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{Block, ImplItemFn, ItemFn, Signature, TraitItemFn};

use super::findings::Finding;
use super::repository::Repository;
use super::rust_file::RustFile;

/// Longest function, from its signature to its closing brace: what still fits one screen.
const FUNCTION_WALL: usize = 70;
/// Longest file without its tests: what one still reads in a sitting.
const FILE_WALL: usize = 600;

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    for file in &repository.rust {
        check_file(file, findings);
        for function in functions(file).filter(|function| function.lines > FUNCTION_WALL) {
            let Function { name, line, lines } = function;
            let what = format!("function `{name}` has {lines} lines, over {FUNCTION_WALL}");
            let mend = "move pure parts of it into functions of their own";
            findings.push(Finding::new(&file.path, line, what, mend));
        }
    }
}

fn check_file(file: &RustFile, findings: &mut Vec<Finding>) {
    let lines = file.product_lines();
    if lines > FILE_WALL {
        let what = format!("{lines} lines that are not tests, over {FILE_WALL}");
        findings.push(Finding::new(&file.path, 1, what, "split it by idea"));
    }
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// The functions of the file that are not test code.
fn functions(file: &RustFile) -> impl Iterator<Item = Function> {
    let mut all = Functions(Vec::new());
    if let Some(tree) = &file.tree {
        all.visit_file(tree);
    }
    all.0.into_iter().filter(|function| !file.is_test_line(function.line))
}

struct Functions(Vec<Function>);

impl Functions {
    fn add(&mut self, signature: &Signature, body: &Block) {
        let line = first_line(signature);
        let end = body.brace_token.span.close().end().line;
        let name = signature.ident.to_string();
        self.0.push(Function { name, line, lines: end.saturating_sub(line) + 1 });
    }
}

fn first_line(signature: &Signature) -> usize {
    let line = |span: Span| span.start().line;
    line(signature.fn_token.span)
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.add(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// The lengths of one crate.
#[derive(Default)]
struct Lengths {
    functions: Vec<usize>,
    files: Vec<usize>,
}

/// Prints median, 95th percentile and maximum for each crate.
pub(super) fn write_table(repository: &Repository, out: &mut dyn Write) -> io::Result<()> {
    let mut crates: BTreeMap<&str, Lengths> = BTreeMap::new();
    for file in repository.rust.iter().filter(|file| !file.is_test) {
        let lengths = crates.entry(file.crate_name()).or_default();
        lengths.files.push(file.product_lines());
        lengths.functions.extend(functions(file).map(|function| function.lines));
    }
    let (function, file) = ("function lines", "file lines");
    writeln!(out, "{:<18} {function:>16}  {file:>18}  (median / p95 / max)", "crate")?;
    for (name, mut lengths) in crates {
        let functions = quantiles(&mut lengths.functions);
        writeln!(out, "{name:<18} {functions:>16}  {:>18}", quantiles(&mut lengths.files))?;
    }
    let walls = (format!("8 / 30 / {FUNCTION_WALL}"), format!("150 / 400 / {FILE_WALL}"));
    writeln!(out, "{:<18} {:>16}  {:>18}", "target, at most", walls.0, walls.1)
}

fn quantiles(lengths: &mut [usize]) -> String {
    lengths.sort_unstable();
    let at = |percent| nearest_rank(lengths, percent);
    format!("{} / {} / {}", at(50), at(95), at(100))
}

/// The smallest length that at least `percent` of all do not pass; 0 of none.
fn nearest_rank(sorted: &[usize], percent: usize) -> usize {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::tests::repository;
    use super::*;

    #[test]
    fn nearest_rank_takes_a_length_that_occurs() {
        let sorted: Vec<usize> = (1..=20).collect();
        assert_eq!(nearest_rank(&sorted, 50), 10);
        assert_eq!(nearest_rank(&sorted, 95), 19);
        assert_eq!(nearest_rank(&sorted, 100), 20);
        assert_eq!(nearest_rank(&[], 50), 0);
    }

    #[test]
    fn a_function_is_measured_from_its_signature_to_its_brace() {
        let text = "//! x\n/// d\n#[inline]\npub fn f(\n    a: u8,\n) {\n    g();\n}\n";
        let repository = repository(&[("a.rs", text)]);
        let lines: Vec<usize> =
            functions(&repository.rust[0]).map(|function| function.lines).collect();
        assert_eq!(lines, [5]);
    }

    #[test]
    fn the_table_shows_each_crate_and_the_targets() {
        let files = [("crates/seawall-core/src/lib.rs", "//! x\nfn f() {}\n")];
        let mut out = Vec::new();
        write_table(&repository(&files), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let row = text.lines().nth(1).unwrap();
        let row: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(row.join(" "), "seawall-core 1 / 1 / 1 2 / 2 / 2");
        assert!(text.contains("8 / 30 / 70"), "{text}");
    }
}
