//! A source file as tokens and as a syntax tree, and which of its lines are test code. The
//! checks that look at them are beside this file.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, File, ImplItemFn, Item, ItemFn, ItemMod};

use super::tokens::{self, Token};

/// One `.rs` file.
pub(crate) struct RustFile {
    pub(crate) path: String,
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
    /// Nothing when it cannot be parsed; `layout` reports that.
    pub(super) tree: Option<File>,
    test_lines: Vec<RangeInclusive<usize>>,
    /// The file is a test as a whole.
    pub(super) is_test: bool,
}

impl RustFile {
    fn parse(path: &str, text: &str) -> Self {
        let tokens = tokens::flatten(text.parse::<TokenStream>().unwrap_or_default());
        let tree = syn::parse_file(text).ok();
        let mut seen = TestCode::default();
        if let Some(tree) = &tree {
            seen.visit_file(tree);
        }
        let is_test = in_test_folder(path) || tree.iter().any(|tree| marks_test(&tree.attrs));
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens,
            tree,
            test_lines: seen.lines,
            is_test,
        }
    }

    /// Whether the line, counted from 1, is test code.
    pub(super) fn is_test_line(&self, line: usize) -> bool {
        self.is_test || self.test_lines.iter().any(|range| range.contains(&line))
    }

    /// How many lines are not test code.
    pub(super) fn product_lines(&self) -> usize {
        (1..=self.text.lines().count()).filter(|line| !self.is_test_line(*line)).count()
    }

    /// The name of the folder of the crate that the file belongs to.
    pub(super) fn crate_name(&self) -> &str {
        let mut parts = self.path.split('/');
        match parts.next() {
            Some("crates") => parts.next().unwrap_or_default(),
            first => first.unwrap_or_default(),
        }
    }

    /// The names of the tests in it.
    pub(crate) fn tests(&self) -> Vec<String> {
        let mut named = TestNames::default();
        if let Some(tree) = &self.tree {
            named.visit_file(tree);
        }
        // Those in macros, as properties are, stand in no syntax tree.
        let macros = tokens::positions(&self.tokens, &["#", "[", "test", "]", "fn"]);
        named.0.extend(macros.map(|index| self.tokens[index + 5].text.clone()));
        named.0.sort();
        named.0.dedup();
        named.0
    }

    /// The lines on which the tokens `wanted` start.
    pub(super) fn lines_of<'a>(
        &'a self,
        wanted: &'a [&'a str],
    ) -> impl Iterator<Item = usize> + 'a {
        tokens::positions(&self.tokens, wanted).map(|index| self.tokens[index].line)
    }
}

/// Parses every `.rs` file and finds the files that are test modules of another.
pub(super) fn parse_all(files: &BTreeMap<String, String>) -> Vec<RustFile> {
    let sources = files.iter().filter(|(path, _)| path.ends_with(".rs"));
    let mut rust: Vec<RustFile> = sources.map(|(path, text)| RustFile::parse(path, text)).collect();
    let modules: BTreeSet<String> = rust.iter().flat_map(test_modules).collect();
    for file in &mut rust {
        let belongs = |module: &String| {
            file.path == format!("{module}.rs") || file.path.starts_with(&format!("{module}/"))
        };
        file.is_test |= modules.iter().any(belongs);
    }
    rust
}

/// The paths, without ending, of the modules that the file declares as test code.
fn test_modules(file: &RustFile) -> Vec<String> {
    let items = file.tree.iter().flat_map(|tree| &tree.items);
    let declared = items.filter_map(|item| match item {
        Item::Mod(module) if module.content.is_none() && marks_test(&module.attrs) => Some(module),
        _ => None,
    });
    declared.map(|module| module_path(&file.path, module)).collect()
}

fn module_path(parent: &str, module: &ItemMod) -> String {
    let stem = parent.trim_end_matches(".rs");
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    let base = if ["lib", "main", "mod"].contains(&name) { folder } else { stem };
    format!("{base}/{}", module.ident)
}

fn in_test_folder(path: &str) -> bool {
    path.split('/').any(|folder| folder == "tests" || folder == "benches")
}

/// Collects the names of functions marked as tests.
#[derive(Default)]
struct TestNames(Vec<String>);

impl<'ast> Visit<'ast> for TestNames {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        if marks_test(&function.attrs) {
            self.0.push(function.sig.ident.to_string());
        }
    }
}

/// Collects the lines of items that only exist in test builds.
#[derive(Default)]
struct TestCode {
    lines: Vec<RangeInclusive<usize>>,
}

impl TestCode {
    fn add(&mut self, node: &impl Spanned) {
        let span = node.span();
        self.lines.push(span.start().line..=span.end().line);
    }
}

impl<'ast> Visit<'ast> for TestCode {
    fn visit_item(&mut self, item: &'ast Item) {
        if marks_test(attributes(item)) { self.add(item) } else { visit::visit_item(self, item) }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if marks_test(&function.attrs) {
            self.add(function);
        } else {
            visit::visit_impl_item_fn(self, function);
        }
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// `#[cfg(test)]`, `#[cfg(all(test, …))]`, or an attribute whose last name is `test`.
fn marks_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        path.segments.last().is_some_and(|last| last.ident == "test")
            || path.is_ident("cfg") && is_test_condition(attribute)
    })
}

fn is_test_condition(attribute: &Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    let condition = list.tokens.to_string().replace(char::is_whitespace, "");
    condition == "test" || condition.starts_with("all(test,")
}
