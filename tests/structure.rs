//! The structure of the code: layers import upward only, files stay short, unsafe code stays out.

use std::fs;
use std::path::{Path, PathBuf};

/// Layers from the lowest; a module may use those before it and itself.
const LAYERS: [&[&str]; 11] = [
    &["error", "choice", "gpu"],
    &["kernels"],
    &["graph"],
    &["ops"],
    &["compile"],
    &["tune"],
    &["nn"],
    &["models"],
    &["audio", "features", "augment", "data"],
    &["train"],
    &["doctor"],
];

fn sources(dir: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(dir)];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).expect("folder").map(|e| e.expect("entry").path()) {
            if entry.is_dir() {
                open.push(entry);
            } else if entry.extension().is_some_and(|e| e == "rs" || e == "wgsl") {
                found.push((entry.clone(), fs::read_to_string(&entry).expect("text")));
            }
        }
    }
    found
}

fn level(module: &str) -> Option<usize> {
    LAYERS.iter().position(|l| l.contains(&module))
}

/// Modules named by `crate::x` in code; comments and doc links do not count.
fn imports(text: &str) -> Vec<String> {
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    let mut found = Vec::new();
    for line in code {
        let mut rest = line;
        while let Some((_, after)) = rest.split_once("crate::") {
            match after.strip_prefix('{') {
                Some(list) => found.extend(list.split(',').map(|s| s.trim().split("::").next().unwrap_or("").to_string())),
                None => found.push(after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()),
            }
            rest = after;
        }
    }
    found
}

#[test]
fn layers_import_upward_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut checked = 0;
    for (path, text) in sources("src") {
        let relative = path.strip_prefix(&root).expect("under src").to_path_buf();
        let own = relative.components().next().expect("module").as_os_str().to_string_lossy().replace(".rs", "");
        let Some(own_level) = level(&own) else { continue };
        // Unit tests of a layer may use the layers that run it.
        let text = text.split("#[cfg(test)]").next().unwrap_or_default().to_string();
        for used in imports(&text) {
            assert!(used != "reference" || own == "doctor", "{} imports the references", relative.display());
            if let Some(l) = level(&used) {
                assert!(l <= own_level, "{} imports {used}, which lies below it", relative.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "only {checked} imports seen");
}

#[test]
fn the_import_reader_sees_both_forms() {
    assert_eq!(imports("use crate::{Error, train::x};\nlet a = crate::ops::add;\n// crate::no"), ["Error", "train", "ops"]);
}

#[test]
fn only_the_device_layer_names_wgpu() {
    for (path, text) in sources("src") {
        let code: String = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
        let inside = path.components().any(|c| c.as_os_str() == "gpu");
        assert!(inside || !code.contains("wgpu::"), "{} names wgpu", path.display());
        let experimental = path.ends_with("gpu/experimental.rs");
        assert!(experimental || !code.contains("unsafe "), "{} has unsafe code", path.display());
    }
}

#[test]
fn files_stay_under_400_lines() {
    for dir in ["src", "shaders", "kernels_tests", "tools", "tests", "benches"] {
        for (path, text) in sources(dir) {
            let lines = text.lines().count();
            assert!(lines < 400, "{} has {lines} lines", path.display());
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
fn the_front_page_trains_a_network_in_under_forty_lines() {
    assert_eq!(example_lines("//! Text\n//! ```\n//! let a;\n//!\n//! // Why.\n//! # hidden();\n//! let b;\n//! ```\n//! let c;"), 2);
    let front = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("text");
    let lines = example_lines(&front);
    assert!((20..40).contains(&lines), "the example of the front page has {lines} lines");
    for step in ["g.grad(loss", "program.run()?", "program.read(\"logits\")"] {
        assert!(front.contains(step), "the front page lacks {step}");
    }
}

#[test]
fn licences_are_whole() {
    for (file, first, last) in
        [("LICENSE-APACHE", "Apache License", "limitations under the License."), ("LICENSE-MIT", "MIT License", "SOFTWARE.")]
    {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("text");
        assert!(text.trim_start().starts_with(first) && text.trim_end().ends_with(last), "{file} is not whole");
        assert!(file != "LICENSE-APACHE" || text.contains("APPENDIX: How to apply the Apache License to your work"));
    }
}
