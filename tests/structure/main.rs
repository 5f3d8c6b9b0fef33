//! The structure of the code: layers import upward only, no circles of files, files and functions stay short, unsafe code stays out.

mod circles;
mod source;

use std::fs;

use circles::Modules;
use source::{Names, files, functions, root};

/// Layers from the lowest; a module may use those before it and itself.
const LAYERS: [&[&str]; 12] = [
    &["error", "foreign", "hash", "lock", "parallel", "random", "range", "storage", "text", "words", "gpu"],
    &["kernels"],
    &["graph"],
    &["ops"],
    &["compile"],
    &["tune"],
    &["nn"],
    &["models"],
    &["audio", "frontend", "augment", "data"],
    &["train"],
    &["check"],
    &["doctor"],
];

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs")
}

fn level(module: &str) -> Option<usize> {
    LAYERS.iter().position(|l| l.contains(&module))
}

/// Modules of the crate that the code of `text` names.
fn imports(text: &str) -> Vec<String> {
    let names = Names::read(text);
    let paths = names.imports.iter().map(|i| &i.path).chain(&names.paths);
    paths.filter(|p| p[0] == "crate").filter_map(|p| p.get(1).cloned()).collect()
}

#[test]
fn layers_import_upward_only() {
    let mut checked = 0;
    for (path, text) in files("src") {
        let own = path.split(['/', '.']).next().expect("module");
        let Some(own_level) = level(own) else { continue };
        // Unit tests of a layer may use the layers that run it.
        if is_test(&path) {
            continue;
        }
        for used in imports(&text) {
            assert!(used != "reference" || own == "check", "{path} imports the references");
            if let Some(l) = level(&used) {
                assert!(l <= own_level, "{path} imports {used}, which lies below it");
                checked += 1;
            }
        }
    }
    assert!(checked > 300, "only {checked} imports seen");
}

#[test]
fn the_import_reader_sees_all_forms() {
    let text = "use crate::{\n    Error,\n    train::{x, y as z},\n};\nfn f() { crate::ops::add(vec![crate::nn::w()]) }\n// crate::no\n#[cfg(test)]\nmod tests { use crate::not; }";
    assert_eq!(imports(text), ["Error", "train", "train", "ops", "nn"]);
}

/// Lines a function may have.
const MOST: usize = 60;

#[test]
fn functions_stay_under_60_lines() {
    let mut long = Vec::new();
    for dir in ["src", "kernels_tests", "tools", "tests", "benches"] {
        for (path, text) in files(dir).iter().filter(|(p, _)| p.ends_with(".rs")) {
            long.extend(
                functions(text).into_iter().filter(|(_, lines)| *lines > MOST).map(|(name, n)| (format!("{dir}/{path} {name}"), n)),
            );
        }
    }
    assert!(long.is_empty(), "over {MOST} lines: {long:#?}");
}

#[test]
fn the_function_reader_counts_from_fn_to_brace() {
    let text = "/// Doc.\npub fn a(\n    x: u32,\n) -> u32 {\n    // }\n    x\n}\nimpl T {\n    fn b() { fn c() {\n    \"}\"; } }\n}";
    assert_eq!(functions(text), [("a".into(), 6), ("b".into(), 2), ("c".into(), 2)]);
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let modules = Modules::read(files("src").into_iter().filter(|(path, _)| !path.starts_with("bin/") && !is_test(path)));
    let circles = modules.circles();
    for circle in &circles {
        println!("circle of {}:\n  {}", circle.len(), modules.arrows(circle).join("\n  "));
    }
    assert!(circles.is_empty(), "in a circle of files: {circles:?}");
}

#[test]
fn the_circle_finder_follows_re_exports() {
    let circles = |files: &[(&str, &str)]| Modules::read(files.iter().map(|(p, t)| (p.to_string(), t.to_string()))).circles();
    let tree = |two: &'static str| {
        [
            ("lib.rs", "pub mod a;"),
            ("a/mod.rs", "mod one;\nmod two;\npub use one::One;\npub use two::*;\npub const K: u32 = 1;"),
            ("a/one.rs", "use super::two;\npub struct One(two::Two);\nfn k() -> u32 { super::K }"),
            ("a/two.rs", two),
        ]
    };
    assert!(circles(&tree("pub struct Two;\nfn k() -> u32 { super::K }")).is_empty());
    let circle = vec![["a::one".to_string(), "a::two".to_string()].into()];
    assert_eq!(circles(&tree("pub struct Two(u32);\nfn f() { println!(\"{:?}\", crate::a::One(3)) }")), circle);
    assert_eq!(circles(&tree("use super::*;\npub struct Two(Box<One>);")), circle);
    let parent = [("lib.rs", "mod a;"), ("a/mod.rs", "mod b;\npub fn f() { b::g() }"), ("a/b.rs", "pub fn g() { super::f() }")];
    assert_eq!(circles(&parent).len(), 1);
}

#[test]
fn only_the_device_layer_names_wgpu() {
    for (path, text) in files("src") {
        let code: String = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
        assert!(path.starts_with("gpu/") || !code.contains("wgpu::"), "{path} names wgpu");
        assert!(path == "gpu/experimental.rs" || !code.contains("unsafe "), "{path} has unsafe code");
    }
}

#[test]
fn files_stay_under_400_lines() {
    for dir in ["src", "shaders", "kernels_tests", "tools", "tests", "benches"] {
        for (path, text) in files(dir) {
            let lines = text.lines().count();
            assert!(lines < 400, "{dir}/{path} has {lines} lines");
        }
    }
}

/// Lines a reader sees of the first example in `text`, comments and empty ones aside.
fn example_lines(text: &str) -> usize {
    let docs = text.lines().filter_map(|l| l.strip_prefix("//!")).map(|l| l.strip_prefix(' ').unwrap_or(l));
    let example = docs.skip_while(|l| !l.starts_with("```")).skip(1).take_while(|l| !l.starts_with("```"));
    example.filter(|l| !l.trim().is_empty() && !l.trim().starts_with("//") && !l.starts_with("# ")).count()
}

#[test]
fn the_front_page_trains_and_asks_a_network_in_under_twenty_lines() {
    assert_eq!(example_lines("//! Text\n//! ```\n//! let a;\n//!\n//! // Why.\n//! # hidden();\n//! let b;\n//! ```\n//! let c;"), 2);
    let front = fs::read_to_string(root().join("src/lib.rs")).expect("text");
    let lines = example_lines(&front);
    assert!((10..20).contains(&lines), "the example of the front page has {lines} lines");
    for step in ["Training::new(", "net.step(", "net.ask("] {
        assert!(front.contains(step), "the front page lacks {step}");
    }
}

#[test]
fn licences_are_whole() {
    for (file, first, last) in
        [("LICENSE-APACHE", "Apache License", "limitations under the License."), ("LICENSE-MIT", "MIT License", "SOFTWARE.")]
    {
        let text = fs::read_to_string(root().join(file)).expect("text");
        assert!(text.trim_start().starts_with(first) && text.trim_end().ends_with(last), "{file} is not whole");
        assert!(file != "LICENSE-APACHE" || text.contains("APPENDIX: How to apply the Apache License to your work"));
    }
}
