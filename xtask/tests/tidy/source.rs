//! The source files of the repository, read and measured for the tidy tests.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::LineColumn;
use syn::spanned::Spanned as _;
use syn::visit::Visit;

/// A Rust file of ours.
pub(crate) struct Source {
    /// Relative to the root of the repository.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// A function and its length in lines, signature included.
pub(crate) struct Function {
    /// `path: name`.
    pub(crate) name: String,
    /// From the first line of the signature to the closing brace.
    pub(crate) n_lines: usize,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All Rust files below a folder of the repository, sorted.
pub(crate) fn files(below: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(below), &mut found);
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

/// The texts of the tests that real clients run in Python; what makes golden numbers is none.
pub(crate) fn python_tests() -> Vec<String> {
    let mut found = Vec::new();
    for dir in [
        "crates/cli/tests/e2e",
        "crates/package/tests",
        "crates/server/tests/api",
        "crates/train/tests/suite",
    ] {
        let entries = fs::read_dir(root().join(dir)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let scripts = paths.filter(|path| path.extension().is_some_and(|end| end == "py"));
        found.extend(scripts.map(|path| fs::read_to_string(path).unwrap()));
    }
    found
}

/// The files that hold product code: `crates/*/src` and `xtask/src` without test modules.
pub(crate) fn product_files() -> Vec<Source> {
    let mut all = files("crates");
    all.extend(files("xtask/src"));
    all.retain(|file| !is_test_file(&file.path) && !file.path.contains("/examples/"));
    all
}

/// Whether the whole file is test code.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.starts_with("crates/testkit/")
}

fn collect(dir: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path
                .strip_prefix(root())
                .unwrap()
                .to_string_lossy()
                .into_owned();
            found.push(Source { path, text });
        }
    }
}

impl Source {
    /// Lines of product code: all lines but those of `#[cfg(test)]` modules.
    pub(crate) fn n_product_lines(&self) -> usize {
        self.text.lines().count() - self.n_test_lines()
    }

    /// Lines inside `#[cfg(test)]` items.
    pub(crate) fn n_test_lines(&self) -> usize {
        self.parse()
            .items
            .iter()
            .filter(|item| is_for_tests(attributes(item)))
            .map(|item| n_lines(item.span().start(), item.span().end()))
            .sum()
    }

    /// The product functions of the file.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let mut visitor = Functions {
            path: &self.path,
            found: Vec::new(),
        };
        visitor.visit_file(&self.parse());
        visitor.found
    }

    fn parse(&self) -> syn::File {
        syn::parse_file(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }
}

fn n_lines(start: LineColumn, end: LineColumn) -> usize {
    end.line - start.line + 1
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        _ => &[],
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => {
            list.path.is_ident("cfg") && list.tokens.to_string().contains("test")
        }
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::NameValue(_) => false,
    })
}

struct Functions<'a> {
    path: &'a str,
    found: Vec<Function>,
}

impl Functions<'_> {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        self.found.push(Function {
            name: format!("{}: {}", self.path, signature.ident),
            n_lines: n_lines(signature.span().start(), block.span().end()),
        });
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_for_tests(&item.attrs) {
            self.add(&item.sig, &item.block);
            syn::visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }
}
