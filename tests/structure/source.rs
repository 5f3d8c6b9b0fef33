//! Rust files of the repository, read by a parser: how long their functions are and what they name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust and WGSL file under `dir`: its path from there with `/`, and its text.
pub fn files(dir: &str) -> Vec<(String, String)> {
    let top = root().join(dir);
    let (mut found, mut open): (Vec<PathBuf>, _) = (Vec::new(), vec![top.clone()]);
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).expect("folder").map(|e| e.expect("entry").path()) {
            if entry.is_dir() {
                open.push(entry);
            } else if entry.extension().is_some_and(|e| e == "rs" || e == "wgsl") {
                found.push(entry);
            }
        }
    }
    found.sort();
    let name = |path: &Path| path.strip_prefix(&top).expect("below").to_string_lossy().replace('\\', "/");
    found.iter().map(|p| (name(p), fs::read_to_string(p).expect("text"))).collect()
}

/// Name and lines, from `fn` to the closing brace, of every function in `text`.
pub fn functions(text: &str) -> Vec<(String, usize)> {
    #[derive(Default)]
    struct Functions(Vec<(String, usize)>);
    impl Functions {
        fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
            let (from, to) = (signature.fn_token.span.start().line, body.brace_token.span.close().end().line);
            self.0.push((signature.ident.to_string(), to - from + 1));
        }
    }
    impl<'a> Visit<'a> for Functions {
        fn visit_item_fn(&mut self, f: &'a syn::ItemFn) {
            self.add(&f.sig, &f.block);
            visit::visit_item_fn(self, f);
        }
        fn visit_impl_item_fn(&mut self, f: &'a syn::ImplItemFn) {
            self.add(&f.sig, &f.block);
            visit::visit_impl_item_fn(self, f);
        }
        fn visit_trait_item_fn(&mut self, f: &'a syn::TraitItemFn) {
            if let Some(body) = &f.default {
                self.add(&f.sig, body);
            }
            visit::visit_trait_item_fn(self, f);
        }
    }
    let mut found = Functions::default();
    found.visit_file(&syn::parse_file(text).expect("Rust"));
    found.0
}

/// One name that a `use` brings into a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    /// The name, `*` for all.
    pub name: String,
    /// Where it comes from.
    pub path: Vec<String>,
    /// Whether others may use it from here.
    pub public: bool,
}

/// What the code of a file names; unit tests, comments and doc links do not count.
#[derive(Default, Debug)]
pub struct Names {
    /// Items defined at the top of the file.
    pub defined: BTreeSet<String>,
    /// Names brought in by `use`.
    pub imports: Vec<Import>,
    /// Every path in the code, also inside macros.
    pub paths: Vec<Vec<String>>,
}

impl Names {
    /// Reads a file.
    pub fn read(text: &str) -> Self {
        let mut file = syn::parse_file(text).expect("Rust");
        file.items.retain(|item| !attributes(item).iter().any(|a| a.path().is_ident("cfg") && names_test(a)));
        let mut names = Names::default();
        for item in &file.items {
            names.define(item);
        }
        names.visit_file(&file);
        names
    }

    fn define(&mut self, item: &syn::Item) {
        let name = match item {
            syn::Item::Const(i) => &i.ident,
            syn::Item::Enum(i) => &i.ident,
            syn::Item::Fn(i) => &i.sig.ident,
            syn::Item::Mod(i) if i.content.is_some() => &i.ident,
            syn::Item::Static(i) => &i.ident,
            syn::Item::Struct(i) => &i.ident,
            syn::Item::Trait(i) => &i.ident,
            syn::Item::Type(i) => &i.ident,
            syn::Item::Macro(i) => match &i.ident {
                Some(name) => name,
                // What an item macro defines stands among its words.
                None => return words(i.mac.tokens.clone(), &mut self.defined),
            },
            _ => return,
        };
        self.defined.insert(name.to_string());
    }

    fn import(&mut self, tree: &syn::UseTree, before: &[String], public: bool) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let mut add = |name: &syn::Ident, path| self.imports.push(Import { name: name.to_string(), path, public });
        match tree {
            syn::UseTree::Path(p) => self.import(&p.tree, &with(&p.ident), public),
            syn::UseTree::Group(g) => g.items.iter().for_each(|tree| self.import(tree, before, public)),
            syn::UseTree::Glob(_) => self.imports.push(Import { name: "*".into(), path: before.to_vec(), public }),
            syn::UseTree::Name(n) if n.ident == "self" => {
                self.imports.push(Import { name: before.last().cloned().unwrap_or_default(), path: before.to_vec(), public })
            }
            syn::UseTree::Name(n) => add(&n.ident, with(&n.ident)),
            syn::UseTree::Rename(r) if r.ident == "self" => add(&r.rename, before.to_vec()),
            syn::UseTree::Rename(r) => add(&r.rename, with(&r.ident)),
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut colons) = (Vec::new(), 0);
        for token in tokens {
            match token {
                TokenTree::Ident(i) if colons == 2 => path.push(i.to_string()),
                TokenTree::Punct(p) if p.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                other => {
                    self.paths.extend(Some(std::mem::take(&mut path)).filter(|p: &Vec<String>| !p.is_empty()));
                    match other {
                        TokenTree::Ident(i) => path.push(i.to_string()),
                        TokenTree::Group(g) => self.tokens(g.stream()),
                        _ => {}
                    }
                }
            }
            colons = 0;
        }
        self.paths.extend(Some(path).filter(|p| !p.is_empty()));
    }
}

impl<'a> Visit<'a> for Names {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.import(&item.tree, &[], !matches!(item.vis, syn::Visibility::Inherited));
    }
    fn visit_path(&mut self, path: &'a syn::Path) {
        self.paths.push(path.segments.iter().map(|s| s.ident.to_string()).collect());
        visit::visit_path(self, path);
    }
    fn visit_macro(&mut self, call: &'a syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

fn words(tokens: TokenStream, into: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(i) => _ = into.insert(i.to_string()),
            TokenTree::Group(g) => words(g.stream(), into),
            _ => {}
        }
    }
}

fn names_test(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    list.tokens.to_string() == "test"
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(i) => &i.attrs,
        syn::Item::Fn(i) => &i.attrs,
        syn::Item::Impl(i) => &i.attrs,
        syn::Item::Mod(i) => &i.attrs,
        syn::Item::Struct(i) => &i.attrs,
        syn::Item::Use(i) => &i.attrs,
        _ => &[],
    }
}
