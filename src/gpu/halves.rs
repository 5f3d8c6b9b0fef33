//! Operands in half precision: a shader is rewritten so that some of its arrays keep halves, while it computes in single precision as before.
//!
//! `var<storage, read> x: array<f32>` becomes `array<f16>`; where `x[i]` is read stands `f32(x[i])`, where it is written `x[i] = f16(…)`. Vectors of
//! two and four likewise. Lines stay where they are, so messages point at the file as it is written.

use super::wgsl::Expanded;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// An array's elements: what the shader computes with, and how they are kept in half precision.
type Element = (&'static str, &'static str);

/// Of one float, and of what becomes of a vector's lane.
const SCALAR: Element = ("f32", "f16");
const PAIR: Element = ("vec2<f32>", "vec2<f16>");
/// By the name in the declaration, and what makes that name the element: `common/vec1.wgsl` and `common/pair0.wgsl` do, where others keep no floats.
const ELEMENTS: [(&str, &str, Element); 5] = [
    ("f32", "", SCALAR),
    ("Stored", STORED, SCALAR),
    ("vec2<f32>", "", PAIR),
    ("Pair", "alias Pair = vec2<f32>;", PAIR),
    ("vec4<f32>", "", ("vec4<f32>", "vec4<f16>")),
];
const STORED: &str = "alias Stored = f32;";
/// What a shader must begin with.
const ENABLE: &str = "enable f16;";

/// Whether the array `name` of an expanded shader can keep halves.
pub fn fits(text: &str, name: &str) -> bool {
    elements(text).any(|(_, n, element)| n == name && element.is_some())
}

/// Makes the arrays `names` keep halves.
///
/// # Errors
/// [`Error::Wgsl`] for one that does not keep floats.
pub(super) fn halve(source: &mut Expanded, names: &[&'static str]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let mut kept = BTreeMap::new();
    let mut lines: Vec<String> = source.text.lines().map(String::from).collect();
    for (i, name, element) in elements(&source.text).filter(|(_, name, _)| names.contains(name)) {
        let (file, line) = source.origin(i + 1);
        let message = format!("`{name}` keeps no floats that could be halves");
        let (single, half) = element.ok_or(Error::Wgsl { file, line, message })?;
        kept.insert(name.to_string(), (single, half));
        let (head, tail) = lines[i].split_once("array<").unwrap_or_default();
        let end = closing(tail, '<', '>');
        lines[i] = format!("{head}array<{half}{}", &tail[end..]);
    }
    let mut text = lines.join("\n") + "\n";
    if !text.contains(ENABLE) {
        text = format!("{ENABLE} {text}");
    }
    source.text = rewrite(&text, &kept);
    Ok(())
}

/// Storage arrays: line from 0, name, and element where that is of floats.
fn elements(text: &str) -> impl Iterator<Item = (usize, &str, Option<Element>)> {
    text.lines().enumerate().filter_map(move |(i, line)| {
        let (_, declared) = line.trim_start().strip_prefix("@group")?.split_once("var<storage")?;
        let (name, ty) = declared.split_once('>')?.1.split_once(':')?;
        let inner = ty.trim_start().strip_prefix("array<")?;
        let inner = &inner[..closing(inner, '<', '>')];
        let element = ELEMENTS.iter().find(|(n, alias, _)| *n == inner && text.contains(alias)).map(|(_, _, e)| *e);
        Some((i, name.trim(), element))
    })
}

/// Where `text`, which begins behind an opening bracket, has the closing one.
fn closing(text: &str, open: char, close: char) -> usize {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        depth += i32::from(c == open) - i32::from(c == close);
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Conversions around every access to the arrays `kept`.
fn rewrite(text: &str, kept: &BTreeMap<String, Element>) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            c if c.is_ascii_alphanumeric() || c == '_' || c == '.' => {
                let word = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
                if let (Some(element), Some(index)) = (kept.get(&rest[..word]), rest[word..].strip_prefix('[')) {
                    let end = closing(index, '[', ']');
                    let access = format!("{}[{}]", &rest[..word], rewrite(&index[..end], kept));
                    rest = &index[(end + 1).min(index.len())..];
                    out.push_str(&converted(&access, *element, &mut rest, kept));
                    continue;
                }
                word
            }
            c => c.len_utf8(),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

/// An access with its conversion: a whole assignment where one follows, which is taken off `rest`, or the value read.
fn converted(access: &str, element: Element, rest: &mut &str, kept: &BTreeMap<String, Element>) -> String {
    let lane = lane(rest);
    let (single, half) = if lane == 0 { element } else { SCALAR };
    let (place, behind) = (format!("{access}{}", rewrite(&rest[..lane], kept)), &rest[lane..]);
    let (Some((operator, value)), Some(end)) = (assignment(behind), behind.find(';')) else {
        return format!("{}({access})", element.0);
    };
    let value = rewrite(behind[value..end].trim(), kept);
    *rest = &behind[end..];
    match operator {
        "" => format!("{place} = {half}({value})"),
        operator => format!("{place} = {half}({single}({place}) {operator} ({value}))"),
    }
}

/// Length of `.x` or `[i]` at the beginning.
fn lane(text: &str) -> usize {
    match text.chars().next() {
        Some('.') => 1 + text[1..].find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len() - 1),
        Some('[') => (closing(&text[1..], '[', ']') + 2).min(text.len()),
        _ => 0,
    }
}

/// The operator of an assignment that `text` begins with (none of a plain one), and where its value begins.
fn assignment(text: &str) -> Option<(&str, usize)> {
    let at = text.len() - text.trim_start().len();
    let rest = &text[at..];
    let operator = ["+", "-", "*", "/"].into_iter().find(|o| rest.starts_with(o)).unwrap_or_default();
    let value = rest[operator.len()..].strip_prefix('=').filter(|value| !value.starts_with('='))?;
    Some((&rest[..operator.len()], text.len() - value.len()))
}

#[cfg(test)]
mod tests {
    use super::super::wgsl::expand;
    use super::*;

    const HEAD: &str = "@group(0) @binding(1) var<storage, read>       x: array<f32>; // (n)\n@group(0) @binding(2) var<storage, read_write> y:  array<vec4<f32>>;\n@group(0) @binding(3) var<storage, read> r: array<u32>;\n";

    fn halved(body: &str, names: &[&'static str]) -> Result<String> {
        let mut source = expand("t.wgsl", &format!("{HEAD}{body}"), &[], &|_| None)?;
        halve(&mut source, names)?;
        Ok(source.text)
    }

    #[test]
    fn reads_and_writes_are_converted() {
        let body = |line: &str| halved(line, &["x", "y"]).unwrap().lines().nth(3).unwrap().to_string();
        let head = halved("", &["x", "y"]).unwrap();
        assert!(head.starts_with("enable f16; @group(0) @binding(1) var<storage, read>       x: array<f16>; // (n)\n"), "{head}");
        assert!(head.contains("y:  array<vec4<f16>>;") && head.contains("r: array<u32>;"), "{head}");
        for (line, want) in [
            ("let a = x[i] + x[x[0]];", "let a = f32(x[i]) + f32(x[f32(x[0])]);"),
            ("x[i + r[2]] = a[1] * 2.0; let b = x[i]==1.0;", "x[i + r[2]] = f16(a[1] * 2.0); let b = f32(x[i])==1.0;"),
            ("x[i] += x[j];", "x[i] = f16(f32(x[i]) + (f32(x[j])));"),
            ("y[i].x = y[j].z;", "y[i].x = f16(vec4<f32>(y[j]).z);"),
            ("y[i][k] *= 2.0;", "y[i][k] = f16(f32(y[i][k]) * (2.0));"),
            ("y[i] = y[j]; // x[i] stays", "y[i] = vec4<f16>(vec4<f32>(y[j])); // x[i] stays"),
            ("s.x[i] = ax[i] - x_1[i];", "s.x[i] = ax[i] - x_1[i];"),
        ] {
            assert_eq!(body(line), want);
        }
        assert_eq!(halved("let a = x[i] + y[i].x;", &["x"]).unwrap().lines().nth(3), Some("let a = f32(x[i]) + y[i].x;"));
    }

    #[test]
    fn lines_stay_and_other_elements_are_refused() {
        let text = halved("x[\n  i\n] = 1.0;\n", &["x"]).unwrap();
        assert_eq!((text.lines().count(), text.lines().nth(5)), (6, Some("] = f16(1.0);")));
        assert_eq!(halved("", &["r"]).unwrap_err().to_string(), "t.wgsl:3: `r` keeps no floats that could be halves");
        assert!(fits(HEAD, "x") && fits(HEAD, "y") && !fits(HEAD, "r") && !fits(HEAD, "z"));
        let stored = "@group(0) @binding(1) var<storage, read> x: array<Stored>;\n";
        assert!(!fits(stored, "x") && fits(&format!("{STORED}\n{stored}"), "x"));
    }
}
