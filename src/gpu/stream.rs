//! Loops over elements that keep several loads in flight on GPUs.
//!
//! ```text
//! //#stream i in first..p.n by WG, PER rounds
//! let a_${i} = a[${i}];
//! //#then
//! y[${i}] = f(a_${i});
//! //#end
//! ```
//! The lines before `//#then` load, those behind it compute and store. Where workgroups are those of a GPU, several rounds are written out, all
//! their loads first: wgpu bounds the loops of the language, and a load behind a store may be of what was stored, so a compiler would have
//! each round wait for the one before. Rounds of which some lie beyond the end are written out one after another; tests between loads and
//! their uses would only have the compiler move the loads behind them. On software adapters it is a loop. Order and arithmetic are the same
//! either way.

use super::line::Line;
use crate::Result;
use std::collections::BTreeMap;

/// Fewest invocations of a workgroup (`WG`) on GPUs; software adapters have 8.
const GPU: u32 = 32;
/// Rounds written out where their number is not given, and at most where it is.
const AHEAD: u32 = 4;
const MOST: u32 = 8;

/// What `//#stream` says, as text of the language.
#[derive(Clone, Copy)]
struct Head<'a> {
    name: &'a str,
    first: &'a str,
    end: &'a str,
    step: &'a str,
    rounds: Option<&'a str>,
}

fn head<'a>(line: &Line, text: &'a str) -> Result<Head<'a>> {
    let parse = || {
        let (name, rest) = text.trim().split_once(" in ")?;
        let (first, rest) = rest.split_once("..")?;
        let (end, rest) = rest.split_once(" by ")?;
        let (step, rounds) = match rest.split_once(',') {
            Some((step, rounds)) => (step, Some(rounds.trim().strip_suffix(" rounds")?)),
            None => (rest, None),
        };
        Some(Head { name, first, end, step: step.trim(), rounds })
    };
    parse().ok_or_else(|| line.error(format!("expected `//#stream i in first..end by step` or `.., N rounds`, got `{}`", line.text.trim())))
}

/// The streams of a shader, expanded for its tunables.
pub(super) fn expand(lines: Vec<Line>, values: &BTreeMap<String, u32>) -> Result<Vec<Line>> {
    let mut out = Vec::with_capacity(lines.len());
    let mut i = 0;
    while i < lines.len() {
        let Some(text) = lines[i].text.trim_start().strip_prefix("//#stream") else {
            out.push(lines[i].clone());
            i += 1;
            continue;
        };
        let head = head(&lines[i], text)?;
        let end = i + length(&lines[i], &lines[i + 1..])?;
        let body = &lines[i + 1..=end];
        let then = body.iter().position(|l| l.text.trim_start().starts_with("//#then"));
        let then = then.ok_or_else(|| lines[i].error("`//#stream` without `//#then`"))?;
        let (loads, rest) = (&body[..then], &body[then + 1..]);
        Writer { line: &lines[i], head, loads, rest, out: &mut out }.write(values)?;
        i = end + 2;
    }
    Ok(out)
}

/// Lines up to the `//#end` of `line`.
fn length(line: &Line, lines: &[Line]) -> Result<usize> {
    let mut depth = 1;
    for (i, inner) in lines.iter().enumerate() {
        let text = inner.text.trim_start();
        if text.starts_with("//#stream") {
            return Err(inner.error("a stream within another"));
        }
        depth += usize::from(text.starts_with("//#unroll"));
        depth -= usize::from(text.starts_with("//#end"));
        if depth == 0 {
            return Ok(i);
        }
    }
    Err(line.error("`//#stream` without `//#end`"))
}

/// Writes one stream.
struct Writer<'a> {
    line: &'a Line,
    head: Head<'a>,
    loads: &'a [Line],
    rest: &'a [Line],
    out: &'a mut Vec<Line>,
}

impl Writer<'_> {
    fn text(&mut self, text: impl Into<String>) {
        self.out.push(Line { text: text.into(), ..self.line.clone() });
    }

    /// Lines about the element `name`.
    fn lines(&mut self, lines: &[Line], name: &str) {
        let variable = format!("${{{}}}", self.head.name);
        self.out.extend(lines.iter().map(|l| Line { text: l.text.replace(&variable, name), ..l.clone() }));
    }

    /// `ahead` rounds from element `from` on: together where there are all of them, else one by one.
    fn written(&mut self, open: &str, from: &str, ahead: u32) {
        let Head { name, end, step, .. } = self.head;
        self.text(format!("{open} let {name}_last = {from} + {}u * {step}; if {name}_last < {end} {{", ahead - 1));
        (0..ahead).for_each(|r| self.text(format!("let {name}_{r} = {from} + {r}u * {step};")));
        (0..ahead).for_each(|r| self.lines(self.loads, &format!("{name}_{r}")));
        for r in 0..ahead {
            self.text("{");
            self.lines(self.rest, &format!("{name}_{r}"));
            self.text("}");
        }
        self.text("} else {");
        for r in 0..ahead {
            self.text(format!("let {name}_{r} = {from} + {r}u * {step}; if {name}_{r} < {end} {{"));
            self.lines(self.loads, &format!("{name}_{r}"));
            self.lines(self.rest, &format!("{name}_{r}"));
            self.text("}");
        }
        self.text("} }");
    }

    fn looped(&mut self, open: String) {
        self.text(open);
        self.lines(self.loads, self.head.name);
        self.lines(self.rest, self.head.name);
        self.text("}");
    }

    fn write(&mut self, values: &BTreeMap<String, u32>) -> Result<()> {
        let Head { name, first, end, step, rounds } = self.head;
        let number = |s: &str| s.parse().ok().or_else(|| values.get(s).copied());
        let unknown = |n: &str| self.line.error(format!("`{n}` is neither a number nor a tunable"));
        let limit: Option<u32> = rounds.map(|n| number(n).ok_or_else(|| unknown(n))).transpose()?;
        let ahead = limit.unwrap_or(AHEAD);
        let gpu = values.get("WG").is_some_and(|wg| *wg >= GPU) && (1..=MOST).contains(&ahead);
        match limit {
            Some(_) if gpu => self.written("{", first, ahead),
            Some(n) => {
                let next = format!("let {name} = {first} + {name}_round * {step}; if {name} >= {end} {{ break; }}");
                self.looped(format!("for (var {name}_round = 0u; {name}_round < {n}u; {name}_round++) {{ {next}"));
            }
            None if gpu => {
                let open = format!("for (var {name} = {first}; {name} < {end}; {name} += {ahead}u * {step}) {{");
                self.written(&open, name, ahead);
            }
            None => self.looped(format!("for (var {name} = {first}; {name} < {end}; {name} += {step}) {{")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(head: &str, wg: u32, per: u32) -> std::result::Result<String, String> {
        let source = format!("{head}\nlet v_${{i}} = x[${{i}}];\n//#then\ns += v_${{i}};\n//#end");
        let line = |(i, text): (usize, &str)| Line { text: text.into(), file: "t.wgsl".into(), number: i + 1 };
        let values = BTreeMap::from([("WG".to_string(), wg), ("PER".to_string(), per)]);
        let lines = expand(source.lines().enumerate().map(line).collect(), &values).map_err(|e| e.to_string())?;
        Ok(lines.into_iter().map(|l| l.text).collect::<Vec<_>>().join("\n"))
    }

    const SUM: &str = "//#stream i in lane..p.n by WG";
    const SOME: &str = "//#stream i in first..p.n by WG, PER rounds";

    #[test]
    fn on_software_adapters_it_is_a_loop() {
        assert_eq!(text(SUM, 8, 4).unwrap(), "for (var i = lane; i < p.n; i += WG) {\nlet v_i = x[i];\ns += v_i;\n}");
        let of = "let i = first + i_round * WG; if i >= p.n { break; }\nlet v_i = x[i];\ns += v_i;\n}";
        assert_eq!(text(SOME, 8, 16).unwrap(), format!("for (var i_round = 0u; i_round < 16u; i_round++) {{ {of}"));
    }

    #[test]
    fn on_gpus_loads_come_first() {
        let whole = "{ let i_last = first + 1u * WG; if i_last < p.n {\nlet i_0 = first + 0u * WG;\nlet i_1 = first + 1u * WG;\n\
            let v_i_0 = x[i_0];\nlet v_i_1 = x[i_1];\n{\ns += v_i_0;\n}\n{\ns += v_i_1;\n}\n} else {\n";
        let rest = "let i_0 = first + 0u * WG; if i_0 < p.n {\nlet v_i_0 = x[i_0];\ns += v_i_0;\n}\n\
            let i_1 = first + 1u * WG; if i_1 < p.n {\nlet v_i_1 = x[i_1];\ns += v_i_1;\n}\n} }";
        assert_eq!(text(SOME, 64, 2).unwrap(), format!("{whole}{rest}"));
        let sum = text(SUM, 32, 2).unwrap();
        let open = "for (var i = lane; i < p.n; i += 4u * WG) { let i_last = i + 3u * WG; if i_last < p.n {\nlet i_0 = i + 0u * WG;\n";
        assert!(sum.starts_with(open) && sum.ends_with("let v_i_3 = x[i_3];\ns += v_i_3;\n}\n} }"), "{sum}");
    }

    #[test]
    fn errors_name_the_line() {
        let message = |head: &str| text(head, 64, 2).unwrap_err();
        assert!(message("//#stream i in lane by WG").starts_with("t.wgsl:1: expected `//#stream i in first..end by step`"));
        assert!(message("//#stream i in a..b by WG, M rounds").contains("`M` is neither a number nor a tunable"));
        assert!(message(&format!("{SUM}\n{SUM}")).contains("a stream within another"));
        assert!(message(&format!("{SUM}\n//#end\n{SUM}")).contains("without `//#then`"));
        assert!(message(&format!("{SUM}\n//#unroll j in 0..2")).contains("without `//#end`"));
    }
}
