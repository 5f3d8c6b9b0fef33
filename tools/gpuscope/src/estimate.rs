//! The time of a whole training step on a card that is not here: the sum over its launches, from what the compiler has made of each.
//!
//! A launch takes the longest of three times, and all launches of a step follow each other:
//! * **arithmetic**: the subgroups that the busiest compute unit gets, times the cycles each occupies it: a vector instruction takes one for 64
//!   lanes, one at a quarter of the rate four; workgroup memory gives 128 bytes a cycle, the cache in front of memory 64.
//! * **latency**: as many subgroups as fit at once wait side by side: their instructions one after the other, and 500 cycles for each wait
//!   for memory, less what is done between the load and the wait. What does not fit waits for its turn.
//! * **memory**: the bytes that the launch states, each counted once, over the card's bandwidth.
//!
//! Then 2 us until the next may begin. How often a loop runs is not in the code. Of a product in tiles it is the length of the sums by what a
//! round adds to each; else what a lane must move by the words a round moves. Loops inside loops run four times (see `asm.rs`), both sides of a
//! branch are taken. So figures are for comparing kernels on one card, no forecast: clocks, caches, and what launches share are left out.

use crate::asm::{Code, Counts};
use crate::figures::{Family, Figures};
use crate::step::{Step, Work};
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, HashMap};

/// A card of a family.
struct Card {
    family: &'static str,
    units: f64,
    /// Cycles per second.
    clock: f64,
    /// Bytes per second.
    memory: f64,
    /// SIMDs of a compute unit, and cycles that one of them takes for 64 lanes.
    simds: f64,
    pass: f64,
}

const CARDS: [Card; 5] = [
    Card { family: "polaris10", units: 36.0, clock: 1.34e9, memory: 256e9, simds: 4.0, pass: 4.0 }, // RX 580
    Card { family: "vega10", units: 64.0, clock: 1.55e9, memory: 484e9, simds: 4.0, pass: 4.0 },    // RX Vega 64
    Card { family: "navi10", units: 40.0, clock: 1.75e9, memory: 448e9, simds: 2.0, pass: 2.0 },    // RX 5700 XT
    Card { family: "navi21", units: 80.0, clock: 2.25e9, memory: 512e9, simds: 2.0, pass: 2.0 },    // RX 6900 XT
    Card { family: "navi31", units: 96.0, clock: 2.40e9, memory: 960e9, simds: 2.0, pass: 2.0 },    // RX 7900 XTX
];

/// Bytes a cycle that a compute unit gets from workgroup memory, and from the cache.
const LDS: f64 = 128.0;
const CACHE: f64 = 64.0;
/// Cycles until a load from memory arrives.
const LOAD: f64 = 500.0;
/// Seconds between the end of a launch and the beginning of the next.
const GAP: f64 = 2e-6;
/// Rounds of a loop that moves nothing.
const ROUNDS: f64 = 4.0;

/// Seconds of a launch: of a compute unit's work, of waiting, of memory.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Time {
    arithmetic: f64,
    latency: f64,
    memory: f64,
}

impl Time {
    fn whole(self) -> f64 {
        self.arithmetic.max(self.latency).max(self.memory)
    }
}

impl Card {
    fn time(&self, work: &Work, f: &Figures, code: &Code) -> Time {
        let subgroup = f64::from(f.subgroup.max(1));
        let path = path(work, f, code);
        let issues = path.fma + path.vector - path.pairs + 4.0 * path.slow + 8.0 * path.matrix;
        let lanes = subgroup / 64.0;
        let bytes = |words: f64| 4.0 * subgroup * words;
        let busy = (issues * lanes).max(bytes(path.lds_words + path.lds_stored) / LDS).max(bytes(path.load_words + path.stored) / CACHE);
        let alone = (issues * lanes * self.pass).max(issues + path.scalar) + LOAD * path.exposed;
        let each = f64::from(f.workgroup.div_ceil(f.subgroup.max(1)));
        let subgroups = (work.groups as f64 / self.units).ceil() * each;
        let at_once = (f.waves.max(1.0) * self.simds).max(each);
        Time {
            arithmetic: subgroups * busy / self.clock,
            latency: (subgroups / at_once).ceil() * alone / self.clock,
            memory: work.bytes as f64 / self.memory,
        }
    }
}

/// What a subgroup executes.
fn path(work: &Work, f: &Figures, code: &Code) -> Counts {
    let lanes = (work.groups * u64::from(f.workgroup)).max(1) as f64;
    let moved: f64 = code.loops.iter().map(|(c, _)| c.load_words + c.stored).sum();
    let by_words =
        |c: &Counts| if c.load_words + c.stored > 0.0 { (work.bytes as f64 / 4.0 / lanes / moved).ceil().max(1.0) } else { ROUNDS };
    let rounds = |c: &Counts, hot: bool| match work.depth {
        Some(depth) if hot && c.fma > 0.0 && c.lds_reads > 0.0 && code.sums > 0 => {
            (depth as f64 * code.sums as f64 / c.fma).ceil().max(1.0)
        }
        _ => by_words(c),
    };
    code.loops.iter().fold(code.straight, |all, (c, hot)| all + *c * rounds(c, *hot))
}

/// Prints the estimate of a step for each family.
///
/// # Errors
/// A pipeline that a driver refused or does not print, or a family without a card here.
pub fn print(size: &str, step: &Step, families: &[Family], top: usize) -> Result<()> {
    for family in families {
        let Some(card) = CARDS.iter().find(|c| c.family == family.name) else {
            bail!("{}: no card of that family is described; those are {}", family.name, CARDS.map(|c| c.family).join(", "));
        };
        let by_name: HashMap<&str, &Figures> = family.figures.iter().map(|f| (f.name.as_str(), f)).collect();
        let mut rows: BTreeMap<&str, (usize, Time)> = BTreeMap::new();
        let (mut whole, mut products, mut flops) = (0.0, 0.0, 0);
        for work in &step.works {
            let f = by_name.get(work.pipeline.as_str()).with_context(|| format!("{}: {} was not compiled", family.name, work.pipeline))?;
            let code = f.code.as_ref().with_context(|| format!("{}: the driver prints no assembly of {}", family.name, work.pipeline))?;
            let time = card.time(work, f, code);
            whole += time.whole();
            if work.depth.is_some() {
                (products, flops) = (products + time.whole(), flops + work.flops);
            }
            let row = rows.entry(&work.pipeline).or_insert((0, Time { arithmetic: 0.0, latency: 0.0, memory: 0.0 }));
            row.0 += 1;
            (row.1.arithmetic, row.1.latency) = (row.1.arithmetic + time.arithmetic, row.1.latency + time.latency);
            row.1.memory += time.memory;
        }
        let gaps = GAP * step.works.len() as f64;
        println!(
            "{size} on {}: {:.3} ms = {:.3} of launches + {:.3} between {}; products {:.3} ms, {:.0} Gflop/s",
            family.name,
            1e3 * (whole + gaps),
            1e3 * whole,
            1e3 * gaps,
            step.works.len(),
            1e3 * products,
            flops as f64 / products / 1e9
        );
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_by(|a, b| b.1.1.whole().total_cmp(&a.1.1.whole()));
        for (name, (launches, t)) in rows.into_iter().take(top) {
            let [arithmetic, latency, memory] = [t.arithmetic, t.latency, t.memory].map(|s| 1e3 * s);
            println!("  {name:72} x{launches:<4} arithmetic {arithmetic:8.3} latency {latency:8.3} memory {memory:8.3} ms");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: Card = Card { family: "test", units: 10.0, clock: 1e9, memory: 1e11, simds: 2.0, pass: 2.0 };

    fn figures() -> Figures {
        Figures { workgroup: 128, subgroup: 64, waves: 8.0, ..Figures::default() }
    }

    /// Sums of length 100 in rounds of 8 are 13 rounds, whatever the flops; two subgroups of a workgroup, three workgroups on the busiest unit.
    #[test]
    fn a_product_runs_as_long_as_its_sums() {
        let round = Counts { fma: 128.0, lds_reads: 16.0, vector: 22.0, slow: 2.5, waits: 1.0, exposed: 1.0, ..Counts::default() };
        let code = Code { hot: round, round, straight: Counts { vector: 40.0, ..Counts::default() }, loops: vec![(round, true)], sums: 16 };
        let work = Work { pipeline: String::new(), groups: 21, bytes: 1000, flops: 1, depth: Some(100) };
        let t = CARD.time(&work, &figures(), &code);
        let issues = 13.0 * 160.0 + 40.0;
        assert!((t.arithmetic - 6.0 * issues / 1e9).abs() < 1e-15, "{t:?}");
        assert!((t.latency - (2.0 * issues + 13.0 * 500.0) / 1e9).abs() < 1e-15, "{t:?}");
        assert_eq!(t.memory, 1000.0 / 1e11);
    }

    /// 512 bytes for each of 128 lanes are 128 words a lane: 64 rounds of two words.
    #[test]
    fn a_stream_runs_until_all_is_moved() {
        let round = Counts { vector: 1.0, load_words: 1.0, stored: 1.0, loads: 1.0, waits: 1.0, exposed: 1.0, ..Counts::default() };
        let code = Code { loops: vec![(round, false)], ..Code::default() };
        let work = Work { pipeline: String::new(), groups: 1, bytes: 512 * 128, flops: 0, depth: None };
        let t = CARD.time(&work, &figures(), &code);
        // 64 rounds of 2 words for 64 lanes over 64 bytes a cycle, for two subgroups.
        assert_eq!(t.arithmetic, 2.0 * 64.0 * 8.0 / 1e9);
        assert_eq!(t.latency, 64.0 * (2.0 + 500.0) / 1e9);
    }
}
