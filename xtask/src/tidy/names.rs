//! Names that say nothing: banned parts of type and module names, and the prefix `get_`.

use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::{
    ImplItemFn, ItemEnum, ItemFn, ItemImpl, ItemMod, ItemStruct, ItemTrait, ItemType, TraitItemFn,
};

use super::findings::Finding;
use super::repository::Repository;

/// Words that any type could bear, in lower case.
const EMPTY_WORDS: [&str; 6] = ["manager", "helper", "helpers", "util", "utils", "data"];

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    for file in &repository.rust {
        let mut names = Names { path: &file.path, findings };
        if let Some(tree) = &file.tree {
            names.visit_file(tree);
        }
    }
}

struct Names<'a> {
    path: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Names<'_> {
    fn thing(&mut self, ident: &Ident) {
        let name = ident.to_string();
        let words = words_of(&name);
        if let Some(word) = words.iter().find(|word| EMPTY_WORDS.contains(&word.as_str())) {
            let what = format!("the name `{name}` contains the empty word `{word}`");
            self.add(ident, what, "name it for what it is or does");
        }
    }

    fn function(&mut self, ident: &Ident) {
        let name = ident.to_string();
        if let Some(rest) = name.strip_prefix("get_") {
            let what = format!("the function `{name}` begins with `get_`");
            self.add(ident, what, format!("call it `{rest}`, or by the work that it does"));
        }
    }

    fn add(&mut self, ident: &Ident, what: String, mend: impl Into<String>) {
        let line = ident.span().start().line;
        self.findings.push(Finding::new(self.path, line, what, mend));
    }
}

/// The words of a name in CamelCase or snake_case, in lower case.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    for letter in name.chars() {
        if letter == '_' || letter.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter != '_') {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        self.thing(&item.ident);
    }

    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        self.thing(&item.ident);
    }

    fn visit_item_type(&mut self, item: &'ast ItemType) {
        self.thing(&item.ident);
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        self.thing(&item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.thing(&item.ident);
        visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(&item.sig.ident);
        visit::visit_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        self.function(&item.sig.ident);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(&item.sig.ident);
    }

    /// The names in an implementation of a trait were chosen by the trait.
    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if item.trait_.is_none() {
            visit::visit_item_impl(self, item);
        }
    }
}
