//! Circles of files that import one another.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Names;

type Path = Vec<String>;

/// The modules of a crate by their paths; each is a file.
pub struct Modules(BTreeMap<Path, Names>);

impl Modules {
    /// Reads `files`: paths below the crate's root file with `/`, and texts.
    pub fn read(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let module = |file: &str| -> Path {
            let path = file.trim_end_matches(".rs").split('/').map(String::from);
            path.filter(|part| part != "mod" && part != "lib").collect()
        };
        Modules(files.into_iter().map(|(file, text)| (module(&file), Names::read(&text))).collect())
    }

    /// The module that defines what `path` names in `module`; re-exports are followed. `None` for what lies outside, and for modules.
    fn owner(&self, module: &[String], path: &[String], depth: usize) -> Option<Path> {
        let (names, (head, rest)) = (self.0.get(module)?, path.split_first()?);
        let inner = || Some([module, std::slice::from_ref(head)].concat()).filter(|m| self.0.contains_key(m));
        match head.as_str() {
            _ if depth == 0 => None,
            "crate" => self.owner(&[], rest, depth),
            "super" => self.owner(module.split_last()?.1, rest, depth),
            "self" => self.owner(module, rest, depth),
            _ if !rest.is_empty() && inner().is_some() => self.owner(&inner()?, rest, depth),
            _ if names.defined.contains(head) => Some(module.to_vec()),
            _ => names.imports.iter().filter(|i| i.name == *head || i.name == "*").find_map(|i| {
                let rest = if i.name == "*" { path } else { rest };
                self.owner(module, &[&i.path, rest].concat(), depth - 1)
            }),
        }
    }

    /// What each module uses. A re-export alone is no use, nor is a module's name.
    fn uses(&self) -> BTreeMap<&Path, BTreeSet<Path>> {
        let of = |(module, names): (&'_ Path, &Names)| -> BTreeSet<Path> {
            let imported = names.imports.iter().filter(|i| !i.public).map(|i| &i.path);
            let owners = names.paths.iter().chain(imported).filter_map(|path| self.owner(module, path, 8));
            owners.filter(|owner| owner != module).collect()
        };
        self.0.iter().map(|(module, names)| (module, of((module, names)))).collect()
    }

    /// Sets of modules each of which reaches all others of its set.
    pub fn circles(&self) -> Vec<BTreeSet<String>> {
        let uses = self.uses();
        let reached = |from: &Path| -> BTreeSet<Path> {
            let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
            while let Some(next) = open.pop() {
                open.extend(uses[&next].iter().filter(|m| seen.insert((*m).clone())).cloned());
            }
            seen
        };
        let all: BTreeMap<&Path, BTreeSet<Path>> = self.0.keys().map(|m| (m, reached(m))).collect();
        let circle = |m: &Path| all[m].iter().filter(|other| all[*other].contains(m)).map(|other| other.join("::")).collect();
        let circles: BTreeSet<BTreeSet<String>> = self.0.keys().map(circle).filter(|c: &BTreeSet<String>| !c.is_empty()).collect();
        circles.into_iter().collect()
    }

    /// The uses inside one circle, for a message.
    pub fn arrows(&self, circle: &BTreeSet<String>) -> Vec<String> {
        let inside = |m: &Path| circle.contains(&m.join("::"));
        let uses = self.uses();
        let pairs = uses.iter().filter(|(m, _)| inside(m)).flat_map(|(m, to)| to.iter().filter(|t| inside(t)).map(move |t| (m, t)));
        pairs.map(|(from, to)| format!("{} -> {}", from.join("::"), to.join("::"))).collect()
    }
}
