//! A table as rows of text: for CSV, Markdown and the page.

use crate::experiment::Line;
use crate::summary::Summary;
use anyhow::Result;

/// A table of text.
pub struct Sheet {
    pub title: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// The paper's columns.
const PUBLISHED: [&str; 5] = ["happiness", "sadness", "anger", "gentleness", "F1"];

impl Sheet {
    /// The lines of a table of the paper: its numbers, then ours.
    pub fn new(title: &str, lines: &[(Line, Summary)]) -> Self {
        let classes = lines.first().map(|(_, s)| s.classes.clone()).unwrap_or_default();
        let mut header = vec!["system".to_string()];
        header.extend(PUBLISHED.iter().map(|c| format!("paper: {c}")));
        header.extend(classes.iter().map(|c| format!("recall {c}")));
        header.extend(["UAR", "macro F1", "parameters", "training s", "clips/s", "runs"].map(String::from));
        let rows = lines.iter().map(|(line, summary)| row(line, summary)).collect();
        Sheet { title: title.into(), header, rows }
    }

    /// Comma-separated, with a header.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(&self.header)?;
        self.rows.iter().try_for_each(|row| table.write_record(row))?;
        Ok(table.into_inner()?)
    }

    /// A Markdown table under its title.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.iter().map(|c| c.replace('|', "\\|")).collect::<Vec<_>>().join(" | "));
        let rule = format!("|---{}|\n", "|--:".repeat(self.header.len() - 1));
        format!("## {}\n\n{}{rule}{}\n", self.title, line(&self.header), self.rows.iter().map(|r| line(r)).collect::<String>())
    }
}

fn row(line: &Line, s: &Summary) -> Vec<String> {
    let three = |v: f64| if v.is_finite() { format!("{v:.3}") } else { "-".into() };
    let maybe = |v: Option<f64>| v.map_or("-".to_string(), three);
    let mut cells = vec![line.setup.name.clone()];
    cells.extend((0..PUBLISHED.len()).map(|i| maybe(line.published.map(|p| p[i]))));
    cells.extend(s.recall.iter().map(|r| maybe(*r)));
    cells.push(format!("{}{}", three(s.uar), s.uar_half.map_or(String::new(), |h| format!(" ± {h:.3}"))));
    cells.extend([three(s.macro_f1), thousands(s.parameters), format!("{:.0}", s.seconds)]);
    cells.push(s.clips_per_s.map_or("-".into(), |v| format!("{v:.0}")));
    cells.push(if s.seeds == s.runs { s.runs.to_string() } else { format!("{} ({} seeds)", s.runs, s.seeds) });
    cells
}

/// 1234567 as `1 234 567`.
fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_bars_escaped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1 000", "1 234 567"]);
        let sheet = Sheet { title: "T".into(), header: vec!["a|b".into(), "c".into()], rows: vec![vec!["1".into(), "2, 3".into()]] };
        assert_eq!(sheet.markdown(), "## T\n\n| a\\|b | c |\n|---|--:|\n| 1 | 2, 3 |\n\n");
        assert_eq!(String::from_utf8(sheet.csv().unwrap()).unwrap(), "a|b,c\n1,\"2, 3\"\n");
    }
}
