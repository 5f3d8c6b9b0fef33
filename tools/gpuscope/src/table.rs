//! The table of figures that is kept in the repository, and what of it must not get worse.

use crate::figures::{Family, Figures};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::Path;

/// The few figures that matter of a pipeline on a family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    vgprs: u64,
    waves: u64,
    throughput: u64,
    /// Multiply-adds in the inner loop, in per cent; none where there are few, or no assembly.
    share: Option<u64>,
    spilled: u64,
    /// The driver did not take it.
    refused: bool,
}

/// Pipelines of GPUs on some families.
#[derive(Debug, Default, PartialEq)]
pub struct Table {
    /// Name and version of the driver.
    driver: String,
    families: Vec<String>,
    rows: BTreeMap<String, Vec<Option<Cell>>>,
}

/// How much longer a pipeline may take, by the compiler's estimate. Neighbouring changes of a shader move registers about.
const SLOWER: f64 = 1.03;
/// Points of a share that rounding and scheduling may take.
const POINTS: u64 = 1;

impl Cell {
    fn of(f: &Figures) -> Cell {
        Cell {
            vgprs: f.vgprs as u64,
            waves: f.waves as u64,
            throughput: f.throughput as u64,
            share: f.share().map(|s| (100.0 * s).round() as u64),
            spilled: (f.spilled + f.scratch) as u64,
            refused: f.refused.is_some(),
        }
    }

    /// As `VGPRs waves throughput share%`, with `SPILLS n` where there are any.
    fn write(&self) -> String {
        if self.refused {
            return "REFUSED".into();
        }
        let share = self.share.map_or(String::new(), |s| format!(" {s}%"));
        let spilled = if self.spilled > 0 { format!(" SPILLS {}", self.spilled) } else { String::new() };
        format!("{} {} {}{share}{spilled}", self.vgprs, self.waves, self.throughput)
    }

    fn read(text: &str) -> Option<Option<Cell>> {
        if text == "-" {
            return Some(None);
        }
        let none = Cell { vgprs: 0, waves: 0, throughput: 0, share: None, spilled: 0, refused: true };
        if text == "REFUSED" {
            return Some(Some(none));
        }
        let mut cell = Cell { refused: false, ..none };
        let mut words = text.split(' ');
        for number in [&mut cell.vgprs, &mut cell.waves, &mut cell.throughput] {
            *number = words.next()?.parse().ok()?;
        }
        while let Some(word) = words.next() {
            match word.strip_suffix('%') {
                Some(share) => cell.share = Some(share.parse().ok()?),
                None => cell.spilled = (word == "SPILLS").then(|| words.next()?.parse().ok()).flatten()?,
            }
        }
        Some(Some(cell))
    }

    /// What is worse than `before`, of a compiler of another version what no version may do.
    fn worse(&self, before: Option<&Cell>, same_driver: bool) -> Vec<String> {
        let mut all = Vec::new();
        let was = before.copied().unwrap_or(Cell { refused: false, spilled: 0, ..*self });
        if self.refused && !was.refused {
            all.push("refused".into());
        }
        if self.spilled > was.spilled {
            all.push(format!("{} registers and bytes spilled, {} before", self.spilled, was.spilled));
        }
        if same_driver && !self.refused && !was.refused {
            if self.throughput as f64 > was.throughput as f64 * SLOWER {
                all.push(format!("inverse throughput {} cycles, {} before", self.throughput, was.throughput));
            }
            match (self.share, was.share) {
                (Some(now), Some(was)) if now + POINTS < was => {
                    all.push(format!("multiply-adds {now} % of the inner loop, {was} % before"))
                }
                (None, Some(was)) => all.push(format!("no inner loop of multiply-adds, {was} % of one before")),
                _ => {}
            }
        }
        all
    }
}

impl Table {
    /// What families answered of the pipelines of GPUs.
    pub fn of(families: &[Family]) -> Table {
        let mut rows: BTreeMap<String, Vec<Option<Cell>>> = BTreeMap::new();
        for (i, family) in families.iter().enumerate() {
            for f in family.figures.iter().filter(|f| f.gpu) {
                rows.entry(f.name.clone()).or_insert_with(|| vec![None; families.len()])[i] = Some(Cell::of(f));
            }
        }
        let driver = families.first().map_or(String::new(), |f| f.driver.clone());
        Table { driver, families: families.iter().map(|f| f.name.clone()).collect(), rows }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// No such file, or another form.
    pub fn load(file: &Path) -> Result<Table> {
        let text = std::fs::read_to_string(file).with_context(|| format!("{}: make it with --update", file.display()))?;
        Table::parse(&text).with_context(|| format!("{} is not of this tool: make it again with --update", file.display()))
    }

    /// The families it has.
    pub fn families(&self) -> &[String] {
        &self.families
    }

    fn parse(text: &str) -> Option<Table> {
        let mut lines = text.lines().filter(|l| !l.starts_with('#'));
        let (driver, families) = lines.next()?.split_once('\t')?;
        let families: Vec<String> = families.split('\t').map(str::to_string).collect();
        let mut rows = BTreeMap::new();
        for line in lines {
            let (name, cells) = line.split_once('\t')?;
            let cells = cells.split('\t').map(Cell::read).collect::<Option<Vec<_>>>()?;
            (cells.len() == families.len()).then(|| rows.insert(name.to_string(), cells))?;
        }
        Some(Table { driver: driver.to_string(), families, rows })
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = format!("{HEAD}{}\t{}\n", self.driver, self.families.join("\t"));
        for (name, cells) in &self.rows {
            let cells: Vec<String> = cells.iter().map(|c| c.map_or("-".into(), |c| c.write())).collect();
            text += &format!("{name}\t{}\n", cells.join("\t"));
        }
        text
    }

    /// What is worse than `before`: a line each; the second list has pipelines that only one of both has.
    ///
    /// # Errors
    /// Other families.
    pub fn worse(&self, before: &Table) -> Result<(Vec<String>, Vec<String>)> {
        ensure!(
            self.families == before.families,
            "the table is of {}, asked were {}",
            before.families.join(", "),
            self.families.join(", ")
        );
        let same = self.driver == before.driver;
        let mut worse = Vec::new();
        for (name, cells) in &self.rows {
            for (i, cell) in cells.iter().enumerate() {
                let was = before.rows.get(name).and_then(|cells| cells[i].as_ref());
                let found = cell.iter().flat_map(|c| c.worse(was, same));
                worse.extend(found.map(|what| format!("{}: {name}: {what}", self.families[i])));
            }
        }
        let new = self.rows.keys().filter(|n| !before.rows.contains_key(*n)).map(|n| format!("new: {n}"));
        let gone = before.rows.keys().filter(|n| !self.rows.contains_key(*n)).map(|n| format!("gone: {n}"));
        Ok((worse, new.chain(gone).collect()))
    }

    /// The driver, where it is another one than `before` had.
    pub fn other_driver(&self, before: &Table) -> Option<String> {
        (self.driver != before.driver).then(|| format!("{}, the table is of {}", self.driver, before.driver))
    }
}

const HEAD: &str = "\
# What AMD's compiler makes of the pipelines that GPUs are given: `tools/gpuscope/check` compares, `tools/gpuscope/check --update` writes.
# Per family: vector registers, subgroups a SIMD holds, the compiler's estimate of cycles per subgroup, and where a kernel is made of
# multiply-adds their share of the vector instructions of a round of the inner loop, filling of workgroup memory included.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(&str, &str)]) -> Table {
        let rows: String = rows.iter().map(|(name, cell)| format!("{name}\t{cell}\t-\n")).collect();
        Table::parse(&format!("# head\nradv Mesa 1\tnavi21\tpolaris10\n{rows}")).expect("table")
    }

    #[test]
    fn what_is_written_is_read() {
        let t = table(&[("a::b WG=1", "40 24 6741 30%"), ("c", "8 32 217"), ("d", "REFUSED"), ("e", "128 4 9 50% SPILLS 12")]);
        assert_eq!(
            Table::parse(&t.text()),
            Some(table(&[("a::b WG=1", "40 24 6741 30%"), ("c", "8 32 217"), ("d", "REFUSED"), ("e", "128 4 9 50% SPILLS 12")]))
        );
        assert!(t.text().ends_with("\ne\t128 4 9 50% SPILLS 12\t-\n"));
        assert_eq!(Table::parse("radv\tnavi21\nx\tmany registers\n"), None);
    }

    #[test]
    fn each_way_of_getting_worse_is_told() {
        let before = table(&[("a", "40 24 1000 30%")]);
        let worse = |now: &str| table(&[("a", now)]).worse(&before).expect("same families").0.join("; ");
        assert_eq!(worse("48 20 1029 29%"), "");
        assert!(worse("40 24 1031 30%").contains("inverse throughput 1031 cycles, 1000 before"));
        assert!(worse("40 24 1000 28%").contains("28 % of the inner loop, 30 % before"));
        assert!(worse("40 24 1000").contains("no inner loop"));
        assert!(worse("40 24 1000 30% SPILLS 4").contains("spilled"));
        assert!(worse("REFUSED").contains("refused"));
        let (worse, changed) = table(&[("b", "256 1 9 SPILLS 4")]).worse(&before).expect("same families");
        assert!(worse[0].contains("spilled") && worse.len() == 1, "{worse:?}");
        assert_eq!(changed, ["new: b", "gone: a"]);
    }

    #[test]
    fn another_driver_is_held_to_refusals_and_spills_alone() {
        let before = table(&[("a", "40 24 1000 30%")]);
        let mut now = table(&[("a", "40 24 2000 10%")]);
        now.driver = "radv Mesa 2".into();
        assert_eq!(now.worse(&before).expect("same families").0, Vec::<String>::new());
        assert!(now.other_driver(&before).is_some_and(|t| t.contains("Mesa 2, the table is of radv Mesa 1")));
    }
}
