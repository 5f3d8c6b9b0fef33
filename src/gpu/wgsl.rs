//! WGSL preprocessor: includes, tunable constants and textual unrolling, with a line map back to the real files.
//!
//! * `//#include <common/reduce.wgsl>` inserts a shared file once, depth first; unknown or cyclic includes are errors.
//! * `const TM: u32 = 16u; //#tunable` may be overridden by name when the shader is loaded; `//#include <common/vec${TM}.wgsl>` takes the
//!   file its value names.
//! * `//#unroll i in 0..TM` ... `//#end` repeats its lines with `${i}` replaced; bounds are integers or tunables; loops nest.
//!   It exists because registers kept in arrays are slow on software Vulkan and on some drivers.
//! * `//#stream i in first..end by step` ... `//#then` ... `//#end` is a loop with several loads in flight; see `stream.rs`.

use super::line::Line;
use super::stream;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// A compile-time constant of a shader, by name, and the value it is given.
pub type Tunable = (&'static str, u32);

/// Expanded source and, for each of its lines, the file and line it came from.
#[derive(Debug, Clone)]
pub struct Expanded {
    /// Plain WGSL.
    pub text: String,
    /// Values of all tunables after overriding.
    pub tunables: BTreeMap<String, u32>,
    lines: Vec<(String, usize)>,
}

impl Expanded {
    /// The file and line (from 1) that line `line` (from 1) of `text` came from.
    pub fn origin(&self, line: usize) -> (String, usize) {
        self.lines.get(line.wrapping_sub(1)).cloned().unwrap_or_else(|| self.lines.last().cloned().unwrap_or_default())
    }
}

/// Most lines of an expanded shader, and most iterations of its loops: some thirty times the largest one shipped.
const MAX_LINES: usize = 1 << 16;
/// Most loops within each other.
const MAX_NESTING: usize = 8;

/// The value of `const NAME: u32 = 16u;` in `source`. As the value of a Rust constant it is read when the crate is compiled, which fails where
/// there is none, so that such numbers live in WGSL alone.
pub const fn constant(source: &str, name: &str) -> u32 {
    let (text, head, name, tail) = (source.as_bytes(), b"const ", name.as_bytes(), b": u32 = ");
    let mut at = 0;
    while !(follows(text, at, head) && follows(text, at + head.len(), name) && follows(text, at + head.len() + name.len(), tail)) {
        assert!(at < text.len(), "the shader has no such constant");
        at += 1;
    }
    at += head.len() + name.len() + tail.len();
    let mut value = 0;
    while at < text.len() && text[at].is_ascii_digit() {
        value = 10 * value + (text[at] - b'0') as u32;
        at += 1;
    }
    value
}

/// Whether `text` goes on with `part` at `at`.
const fn follows(text: &[u8], at: usize, part: &[u8]) -> bool {
    let mut i = 0;
    while i < part.len() {
        if at + i >= text.len() || text[at + i] != part[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// Expands `source`, named `file` in messages. `include` resolves the name between the angle brackets.
///
/// # Errors
/// [`Error::Wgsl`] with file and line for unknown or cyclic includes, unknown tunables, and unbalanced or malformed unrolling.
pub fn expand(file: &str, source: &str, tunables: &[Tunable], include: &dyn Fn(&str) -> Option<&'static str>) -> Result<Expanded> {
    let mut lines = Vec::new();
    let source = &choose_includes(source, tunables);
    insert(file, source, include, &mut vec![file.to_string()], &mut Vec::new(), &mut lines)?;
    let values = override_tunables(file, &mut lines, tunables)?;
    let lines = stream::expand(lines, &values)?;
    let mut out = Vec::new();
    unroll(&lines, &values, &mut Vec::new(), &mut 0, &mut out)?;
    let mut text = String::new();
    let mut origins = Vec::with_capacity(out.len());
    for line in out {
        text.push_str(&line.text);
        text.push('\n');
        origins.push((line.file, line.number));
    }
    Ok(Expanded { text, tunables: values, lines: origins })
}

/// Puts values in the place of `${NAME}` in the names of included files.
fn choose_includes(source: &str, tunables: &[Tunable]) -> String {
    let mut text = source.to_string();
    for (name, default) in source.lines().filter_map(tunable) {
        let value = tunables.iter().find(|(n, _)| *n == name).map_or(default, |(_, v)| *v);
        for line in source.lines().filter(|l| l.trim_start().starts_with("//#include")) {
            text = text.replace(line, &line.replace(&format!("${{{name}}}"), &value.to_string()));
        }
    }
    text
}

/// Name and default of a line `const NAME: u32 = 16u; //#tunable`.
fn tunable(line: &str) -> Option<(String, u32)> {
    let (code, _) = line.split_once("//#tunable")?;
    let (name, rest) = code.trim().strip_prefix("const ")?.split_once(':')?;
    let (ty, value) = rest.split_once('=')?;
    let value = value.trim().strip_suffix(';')?.trim().strip_suffix('u')?.parse::<u32>().ok()?;
    (ty.trim() == "u32").then(|| (name.trim().to_string(), value))
}

fn insert(
    file: &str,
    source: &str,
    include: &dyn Fn(&str) -> Option<&'static str>,
    open: &mut Vec<String>,
    done: &mut Vec<String>,
    out: &mut Vec<Line>,
) -> Result<()> {
    for (i, text) in source.lines().enumerate() {
        let line = Line { text: text.to_string(), file: file.to_string(), number: i + 1 };
        let Some(rest) = text.trim_start().strip_prefix("//#include") else {
            out.push(line);
            continue;
        };
        let name = rest
            .trim()
            .strip_prefix('<')
            .and_then(|r| r.strip_suffix('>'))
            .ok_or_else(|| line.error(format!("expected `//#include <file.wgsl>`, got `{}`", text.trim())))?;
        if open.iter().any(|o| o == name) {
            return Err(line.error(format!("include cycle: {} -> {name}", open.join(" -> "))));
        }
        if done.iter().any(|d| d == name) {
            continue;
        }
        let body = include(name).ok_or_else(|| line.error(format!("unknown include <{name}>")))?;
        open.push(name.to_string());
        insert(name, body, include, open, done, out)?;
        open.pop();
        done.push(name.to_string());
    }
    Ok(())
}

/// Reads `const NAME: u32 = 16u; //#tunable` lines and rewrites those that are overridden.
fn override_tunables(file: &str, lines: &mut [Line], wanted: &[Tunable]) -> Result<BTreeMap<String, u32>> {
    let mut values = BTreeMap::new();
    for line in lines.iter_mut() {
        if !line.text.contains("//#tunable") {
            continue;
        }
        let (name, default) = tunable(&line.text)
            .ok_or_else(|| line.error(format!("expected `const NAME: u32 = 16u; //#tunable`, got `{}`", line.text.trim())))?;
        let value = wanted.iter().find(|(n, _)| *n == name).map_or(default, |(_, v)| *v);
        line.text = format!("const {name}: u32 = {value}u;");
        values.insert(name, value);
    }
    for (name, _) in wanted {
        if !values.contains_key(*name) {
            return Err(Error::Wgsl { file: file.to_string(), line: 1, message: format!("no tunable named `{name}`") });
        }
    }
    Ok(values)
}

fn unroll(
    lines: &[Line],
    values: &BTreeMap<String, u32>,
    bound: &mut Vec<(String, u32)>,
    iterations: &mut usize,
    out: &mut Vec<Line>,
) -> Result<()> {
    let mut i = 0;
    while i < lines.len() {
        let line = &lines[i];
        let text = line.text.trim_start();
        if text.starts_with("//#end") {
            return Err(line.error("`//#end` without `//#unroll`"));
        }
        let Some(head) = text.strip_prefix("//#unroll") else {
            out.push(Line { text: substitute(line, bound)?, file: line.file.clone(), number: line.number });
            i += 1;
            continue;
        };
        let (name, from, to) = loop_head(line, head, values)?;
        let mut depth = 1;
        let mut end = i + 1;
        while depth > 0 {
            let inner = lines.get(end).ok_or_else(|| line.error("`//#unroll` without `//#end`"))?;
            let t = inner.text.trim_start();
            depth += usize::from(t.starts_with("//#unroll"));
            depth -= usize::from(t.starts_with("//#end"));
            end += 1;
        }
        if bound.len() == MAX_NESTING {
            return Err(line.error(format!("more than {MAX_NESTING} loops within each other")));
        }
        for value in from..to {
            bound.push((name.clone(), value));
            unroll(&lines[i + 1..end - 1], values, bound, iterations, out)?;
            bound.pop();
            *iterations += 1;
            if out.len() > MAX_LINES || *iterations > MAX_LINES {
                return Err(line.error(format!("refusing to expand to more than {MAX_LINES} lines")));
            }
        }
        i = end;
    }
    Ok(())
}

fn loop_head(line: &Line, head: &str, values: &BTreeMap<String, u32>) -> Result<(String, u32, u32)> {
    let bad = || line.error(format!("expected `//#unroll i in 0..N`, got `{}`", line.text.trim()));
    let (name, range) = head.trim().split_once(" in ").ok_or_else(bad)?;
    let (from, to) = range.split_once("..").ok_or_else(bad)?;
    let number = |s: &str| -> Result<u32> {
        let s = s.trim();
        s.parse().ok().or_else(|| values.get(s).copied()).ok_or_else(|| line.error(format!("`{s}` is neither a number nor a tunable")))
    };
    let (from, to) = (number(from)?, number(to)?);
    if to.saturating_sub(from) > 1024 {
        return Err(line.error(format!("refusing to unroll {} times", to - from)));
    }
    Ok((name.trim().to_string(), from, to))
}

fn substitute(line: &Line, bound: &[(String, u32)]) -> Result<String> {
    let mut text = line.text.clone();
    if !text.contains("${") {
        return Ok(text);
    }
    for (name, value) in bound {
        text = text.replace(&format!("${{{name}}}"), &value.to_string());
    }
    match text.split_once("${") {
        Some((_, rest)) => Err(line.error(format!("unknown loop variable `{}`", rest.split('}').next().unwrap_or(rest)))),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(name: &str) -> Option<&'static str> {
        match name {
            "a" => Some("const A: u32 = 1u;\n"),
            "b" => Some("//#include <a>\nconst B: u32 = 2u;\n"),
            "loop" => Some("//#include <loop>\n"),
            _ => None,
        }
    }

    fn message(source: &str, tunables: &[Tunable]) -> String {
        expand("t.wgsl", source, tunables, &files).map(|e| e.text).unwrap_err().to_string()
    }

    #[test]
    fn includes_each_file_once_and_maps_lines_back() {
        let e = expand("t.wgsl", "//#include <b>\n//#include <a>\nfn f() {}\n", &[], &files).unwrap();
        assert_eq!(e.text, "const A: u32 = 1u;\nconst B: u32 = 2u;\nfn f() {}\n");
        assert_eq!(e.origin(2), ("b".to_string(), 2));
        assert_eq!(e.origin(3), ("t.wgsl".to_string(), 3));
    }

    #[test]
    fn constants_are_read_from_the_source() {
        const SOURCE: &str = "const A: u32 = B;\nconst MOST_OF: u32 = 3u;\nconst MOST: u32 = 16u; // most\n";
        const MOST: u32 = constant(SOURCE, "MOST");
        assert_eq!((MOST, constant(SOURCE, "MOST_OF")), (16, 3));
        assert!(std::panic::catch_unwind(|| constant(SOURCE, "LEAST")).is_err());
    }

    #[test]
    fn a_tunable_chooses_an_include() {
        let source = "//#include <${N}>\nconst N: u32 = 10u; //#tunable\n";
        let named = |name: &str| (name == "10").then_some("ten\n").or((name == "2").then_some("two\n"));
        let text = |tunables: &[Tunable]| expand("t.wgsl", source, tunables, &named).unwrap().text;
        assert_eq!((text(&[]), text(&[("N", 2)])), ("ten\nconst N: u32 = 10u;\n".into(), "two\nconst N: u32 = 2u;\n".into()));
    }

    #[test]
    fn unrolls_nested_loops_with_tunable_bounds() {
        let source = "const N: u32 = 4u; //#tunable\n//#unroll i in 0..N\n//#unroll j in 1..3\nx${i}_${j}\n//#end\n//#end\n";
        let e = expand("t.wgsl", source, &[("N", 2)], &files).unwrap();
        assert_eq!(e.text, "const N: u32 = 2u;\nx0_1\nx0_2\nx1_1\nx1_2\n");
        assert_eq!(e.tunables["N"], 2);
    }

    #[test]
    fn errors_name_file_and_line() {
        assert_eq!(message("\n//#include <nope>", &[]), "t.wgsl:2: unknown include <nope>");
        assert!(message("//#include <loop>", &[]).contains("include cycle"));
        assert!(message("//#unroll i in 0..3\nx", &[]).contains("without `//#end`"));
        assert!(message("//#end", &[]).contains("without `//#unroll`"));
        assert!(message("//#unroll i in 0..M\n//#end", &[]).contains("neither a number nor a tunable"));
        assert!(message("//#unroll i in 0..2\n${j}\n//#end", &[]).contains("unknown loop variable `j`"));
        let deep = |n: usize, to: u32| format!("{}x\n{}", format!("//#unroll i in 0..{to}\n").repeat(n), "//#end\n".repeat(n));
        assert!(message(&deep(9, 1), &[]).contains("more than 8 loops"));
        assert!(message(&deep(3, 1024), &[]).contains("refusing to expand"));
        let empty = deep(8, 1024).replace("x\n", "");
        assert!(message(&empty, &[]).contains("refusing to expand"));
        assert_eq!(expand("t.wgsl", &deep(8, 1), &[], &files).unwrap().text, "x\n");
        assert!(message("x", &[("N", 2)]).contains("no tunable named `N`"));
    }
}
