//! One self-contained page: tables, confusion matrices, figures, and what they say.

use crate::question::Answer;
use crate::sheet::Sheet;
use crate::summary::Summary;
use emotone::text::escape;
use std::fmt::Write as _;

/// What a page shows.
pub struct Page {
    /// What was run: data, sizes, seeds, machine.
    pub facts: Vec<(String, String)>,
    pub sheets: Vec<Sheet>,
    /// Name and summary of each setup, for the confusion matrices.
    pub systems: Vec<(String, Summary)>,
    /// Title and SVG of each figure.
    pub figures: Vec<(String, String)>,
    pub answers: Vec<Answer>,
}

/// What every reader must know.
const CAUTION: &str = "The paper's recordings are not public. Its numbers stand beside ours to show what it claims, not to be compared digit by digit: \
    other speakers, other recordings, other sizes. Ours are of speakers that no part of training has heard. UAR is the unweighted average recall. \
    An interval of several runs is twice the standard error over them; of one run, a bootstrap over its clips. Differences are tested by a paired \
    bootstrap over seeds and clips (95 %); it speaks of other clips of these speakers, not of other speakers.";

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#222;background:#fff}\
    table{border-collapse:collapse;margin:1em 0;font-variant-numeric:tabular-nums}th,td{padding:.25em .6em;border-bottom:1px solid #ddd;text-align:right}\
    th:first-child,td:first-child{text-align:left}.wide{overflow-x:auto}.paper{color:#777}.matrices{display:flex;flex-wrap:wrap;gap:1.5em}\
    .matrices td{text-align:center;min-width:3.2em}figure{margin:1em 0;max-width:760px}caption{text-align:left;font-weight:600;padding:.3em 0}\
    .stands{font-weight:600}";

impl Page {
    /// The page as HTML.
    pub fn html(&self) -> String {
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>The paper's experiments, run here</title><style>{STYLE}</style></head><body>\n<h1>The paper's experiments, run here</h1>\n\
             <p>Yuan et al. 2021, <i>Res-Trans</i>: tables and figures, made again by <code>reproduce</code>.</p>\n<p>{}</p>\n",
            escape(CAUTION)
        );
        out += "<table>";
        for (name, value) in &self.facts {
            let _ = write!(out, "<tr><th>{}</th><td style=\"text-align:left\">{}</td></tr>", escape(name), escape(value));
        }
        out += "</table>\n";
        if !self.answers.is_empty() {
            out += "<h2>What the runs say</h2>\n<ul>\n";
            for answer in &self.answers {
                let class = if answer.difference.is_some_and(|d| d.stands()) { " class=\"stands\"" } else { "" };
                let _ = writeln!(out, "<li{class}>{}</li>", escape(&answer.text()));
            }
            out += "</ul>\n";
        }
        self.sheets.iter().for_each(|sheet| out += &table(sheet));
        for (title, svg) in &self.figures {
            let _ = writeln!(out, "<h2>{}</h2>\n<figure>{svg}</figure>", escape(title));
        }
        out += "<h2>Confusion matrices</h2>\n<p>Rows are the truth; shares of a row, over all runs.</p>\n<div class=\"matrices\">\n";
        self.systems.iter().for_each(|(name, summary)| out += &matrix(name, summary));
        out + "</div>\n</body></html>\n"
    }

    /// The page as Markdown, without the matrices.
    pub fn markdown(&self) -> String {
        let mut out = format!("# The paper's experiments, run here\n\n{CAUTION}\n\n");
        for (name, value) in &self.facts {
            let _ = writeln!(out, "* {name}: {value}");
        }
        out += "\n";
        if !self.answers.is_empty() {
            out += "## What the runs say\n\n";
            self.answers.iter().for_each(|a| out += &format!("* {}\n", a.text()));
            out += "\n";
        }
        self.sheets.iter().for_each(|sheet| out += &sheet.markdown());
        out
    }
}

fn table(sheet: &Sheet) -> String {
    let mut out = format!("<h2>{}</h2>\n<div class=\"wide\"><table>\n<tr>", escape(&sheet.title));
    let class = |i: usize| if sheet.header[i].starts_with("paper") { " class=\"paper\"" } else { "" };
    for (i, name) in sheet.header.iter().enumerate() {
        let _ = write!(out, "<th{}>{}</th>", class(i), escape(name));
    }
    out += "</tr>\n";
    for row in &sheet.rows {
        out += "<tr>";
        for (i, cell) in row.iter().enumerate() {
            let _ = write!(out, "<td{}>{}</td>", class(i), escape(cell));
        }
        out += "</tr>\n";
    }
    out + "</table></div>\n"
}

fn matrix(name: &str, s: &Summary) -> String {
    let mut out = format!("<table><caption>{}</caption><tr><th></th>", escape(name));
    for class in &s.classes {
        let _ = write!(out, "<th>{}</th>", escape(class));
    }
    out += "</tr>\n";
    for (class, row) in s.classes.iter().zip(&s.confusion) {
        let all = row.iter().sum::<u64>().max(1) as f64;
        let _ = write!(out, "<tr><th>{}</th>", escape(class));
        for &n in row {
            let share = n as f64 / all;
            let ink = if share > 0.55 { "#fff" } else { "#222" };
            let _ = write!(out, "<td style=\"background:rgba(0,90,160,{share:.2});color:{ink}\" title=\"{n} clips\">{share:.2}</td>");
        }
        out += "</tr>\n";
    }
    out + "</table>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_escaped_and_nothing_is_fetched() {
        let sheet =
            Sheet { title: "T <1>".into(), header: vec!["system".into(), "paper: x".into()], rows: vec![vec!["<b>".into(), "-".into()]] };
        let page = Page {
            facts: vec![("data".into(), "a & b".into())],
            sheets: vec![sheet],
            systems: Vec::new(),
            figures: vec![("F".into(), "<svg></svg>".into())],
            answers: vec![Answer { what: "x < y".into(), difference: None, runs: 0 }],
        };
        let html = page.html();
        for part in ["T &lt;1&gt;", "&lt;b&gt;", "a &amp; b", "x &lt; y: not run", "class=\"paper\"", "<svg></svg>"] {
            assert!(html.contains(part), "{part}");
        }
        assert!(!html.contains("http") && !html.contains("<b>") && !html.contains("src="));
        assert!(page.markdown().contains("| <b> | - |"));
    }
}
