//! What a pipeline's machine code is made of, counted in the assembly of AMD's compiler.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::{Add, Mul};

/// Instructions of a stretch of code. Halves of a dual-issued instruction count one each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Multiply-adds in single precision.
    pub fma: f64,
    /// Products of cooperative matrices.
    pub matrix: f64,
    /// Other vector instructions at full rate.
    pub vector: f64,
    /// Vector instructions at a quarter of the rate: integer products, quotients, exponentials.
    pub slow: f64,
    /// Pairs issued as one.
    pub pairs: f64,
    /// Reads of workgroup memory, and the 4-byte words they bring to each lane.
    pub lds_reads: f64,
    pub lds_words: f64,
    /// Words written there.
    pub lds_stored: f64,
    /// Loads from memory, and their words.
    pub loads: f64,
    pub load_words: f64,
    /// Words stored to memory.
    pub stored: f64,
    /// Waits for loads from memory, and how many latencies are left of them after what was done since the last load.
    pub waits: f64,
    pub exposed: f64,
    /// Scalar instructions.
    pub scalar: f64,
    pub barriers: f64,
}

impl Counts {
    fn parts(&self) -> [f64; 15] {
        let c = self;
        [
            c.fma,
            c.matrix,
            c.vector,
            c.slow,
            c.pairs,
            c.lds_reads,
            c.lds_words,
            c.lds_stored,
            c.loads,
            c.load_words,
            c.stored,
            c.waits,
            c.scalar,
            c.barriers,
            c.exposed,
        ]
    }

    fn from(
        [fma, matrix, vector, slow, pairs, lds_reads, lds_words, lds_stored, loads, load_words, stored, waits, scalar, barriers, exposed]: [f64; 15],
    ) -> Self {
        Counts {
            fma,
            matrix,
            vector,
            slow,
            pairs,
            lds_reads,
            lds_words,
            lds_stored,
            loads,
            load_words,
            stored,
            waits,
            scalar,
            barriers,
            exposed,
        }
    }

    /// Multiply-adds of all vector instructions.
    pub fn share(&self) -> f64 {
        self.fma / (self.fma + self.vector + self.slow).max(1.0)
    }

    /// Words of an average read of workgroup memory.
    pub fn width(&self) -> f64 {
        self.lds_words / self.lds_reads.max(1.0)
    }

    /// Counts one instruction.
    fn note(&mut self, line: &str) {
        let op = line.split_whitespace().next().unwrap_or("");
        let starts = |all: &[&str]| all.iter().any(|s| op.starts_with(s));
        if op.starts_with("v_dual") {
            let halves = line.split("::").map(str::trim);
            halves.for_each(|half| if half.starts_with("v_dual_fma") { self.fma += 1.0 } else { self.vector += 1.0 });
            self.pairs += 1.0;
        } else if starts(&["v_wmma", "v_mfma", "v_swmma"]) {
            self.matrix += 1.0;
        } else if starts(&["v_fma", "v_mad_f32", "v_mac_f32", "v_mad_legacy", "v_pk_fma"]) {
            self.fma += 1.0;
        } else if starts(&["v_mul_lo", "v_mul_hi", "v_mad_u64", "v_rcp", "v_rsq", "v_sqrt", "v_exp", "v_log", "v_sin", "v_cos"]) {
            self.slow += 1.0;
        } else if op.starts_with("v_") {
            self.vector += 1.0;
        } else if starts(&["ds_load", "ds_read"]) {
            (self.lds_reads, self.lds_words) = (self.lds_reads + 1.0, self.lds_words + words(op));
        } else if starts(&["ds_store", "ds_write"]) {
            self.lds_stored += words(op);
        } else if starts(&["buffer_load", "global_load", "flat_load", "scratch_load"]) {
            (self.loads, self.load_words) = (self.loads + 1.0, self.load_words + words(op));
        } else if starts(&["buffer_store", "global_store", "flat_store", "scratch_store"]) {
            self.stored += words(op);
        } else if (op == "s_waitcnt" && (line.contains("vmcnt") || line.contains("0x"))) || op == "s_wait_loadcnt" {
            self.waits += 1.0;
        } else if op.starts_with("s_barrier") {
            self.barriers += 1.0;
        } else if op.starts_with("s_") && !starts(&["s_wait", "s_nop", "s_delay", "s_clause", "s_endpgm", "s_code_end"]) {
            self.scalar += 1.0;
        }
    }
}

impl Add for Counts {
    type Output = Counts;
    fn add(self, other: Counts) -> Counts {
        let (mut all, more) = (self.parts(), other.parts());
        all.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        Counts::from(all)
    }
}

impl Mul<f64> for Counts {
    type Output = Counts;
    fn mul(self, times: f64) -> Counts {
        Counts::from(self.parts().map(|n| n * times))
    }
}

/// 4-byte words that an access moves for each lane; half a word is one.
fn words(op: &str) -> f64 {
    let each = match op.rsplit('_').next().unwrap_or("") {
        "b128" | "dwordx4" => 4.0,
        "b96" | "dwordx3" => 3.0,
        "b64" | "dwordx2" => 2.0,
        _ => 1.0,
    };
    let two = ["ds_read2", "ds_write2"].iter().any(|s| op.starts_with(s)) || op.contains("_2addr");
    if two { 2.0 * each } else { each }
}

/// What a pipeline is made of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Code {
    /// The block with the most multiply-adds.
    pub hot: Counts,
    /// A round of the loop around it, its filling of workgroup memory included.
    pub round: Counts,
    /// Outside all loops.
    pub straight: Counts,
    /// A round of each outermost loop, and whether it is the one around the hot block.
    pub loops: Vec<(Counts, bool)>,
    /// Registers that the multiply-adds of the hot block add to: results of a lane.
    pub sums: usize,
}

/// Rounds of a loop inside another. No compiler states them; four is what filling a tile by 256 lanes has taken.
const NESTED: f64 = 4.0;

impl Code {
    /// Reads the assembly that the driver prints.
    pub fn read(text: &str) -> Code {
        let blocks = blocks(text);
        let loops = loops(&blocks);
        let exposed = exposed(&blocks, &loops);
        let counts: Vec<Counts> = blocks.iter().zip(exposed).map(|(b, exposed)| Counts { exposed, ..count(&b.lines) }).collect();
        let weight = |c: Counts| c.fma + 100.0 * c.matrix;
        let hot = (0..blocks.len()).max_by(|a, b| weight(counts[*a]).total_cmp(&weight(counts[*b])).then(b.cmp(a))).unwrap_or(0);
        let sum = |from: usize, to: usize| {
            (from..=to).fold(Counts::default(), |all, i| {
                let inside = loops.iter().filter(|(a, b)| (*a, *b) != (from, to) && from <= *a && *b <= to && *a <= i && i <= *b).count();
                all + counts[i] * NESTED.powi(inside as i32)
            })
        };
        let mut around: Vec<(usize, usize)> = loops.iter().copied().filter(|(a, b)| *a <= hot && hot <= *b).collect();
        around.sort_by_key(|(a, b)| b - a);
        let filled = around.iter().find(|(a, b)| counts[*a..=*b].iter().any(|c| c.loads > 0.0)).or(around.first()).copied();
        let outer = loops.iter().filter(|l| !loops.iter().any(|o| o != *l && o.0 <= l.0 && l.1 <= o.1));
        let outside = (0..blocks.len()).filter(|i| !loops.iter().any(|(a, b)| a <= i && i <= b));
        Code {
            hot: counts.get(hot).copied().unwrap_or_default(),
            round: filled.map_or_else(|| counts.get(hot).copied().unwrap_or_default(), |(a, b)| sum(a, b)),
            straight: outside.fold(Counts::default(), |all, i| all + counts[i]),
            loops: outer.map(|&(a, b)| (sum(a, b), a <= hot && hot <= b)).collect(),
            sums: blocks.get(hot).map_or(0, |b| sums(&b.lines)),
        }
    }
}

struct Block {
    label: String,
    lines: Vec<String>,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut all = vec![Block { label: String::new(), lines: Vec::new() }];
    for line in text.lines().map(|l| l.split(';').next().unwrap_or("").trim()).filter(|l| !l.is_empty()) {
        match line.strip_suffix(':') {
            Some(label) if label.starts_with("BB") => all.push(Block { label: label.to_string(), lines: Vec::new() }),
            _ => all.last_mut().into_iter().for_each(|b| b.lines.push(line.to_string())),
        }
    }
    all
}

fn count(lines: &[String]) -> Counts {
    let mut all = Counts::default();
    lines.iter().for_each(|line| all.note(line));
    all
}

/// First and last block of each loop, by the branches that go back.
fn loops(blocks: &[Block]) -> BTreeSet<(usize, usize)> {
    let mut ends = std::collections::BTreeMap::new();
    for (i, block) in blocks.iter().enumerate() {
        for line in block.lines.iter().filter(|l| l.starts_with("s_branch") || l.starts_with("s_cbranch")) {
            let target = line.split_whitespace().nth(1).unwrap_or("");
            if let Some(to) = blocks[..=i].iter().position(|b| b.label == target) {
                ends.insert(to, i);
            }
        }
    }
    ends.into_iter().collect()
}

/// Vector instructions during which a load arrives.
const HIDES: f64 = 250.0;

/// Latencies that the waits of each block are exposed to. What hides one are the vector instructions since the last load, on the way back
/// through the innermost loop; a wait that follows another without a load between them has nothing left to wait for.
fn exposed(blocks: &[Block], loops: &BTreeSet<(usize, usize)>) -> Vec<f64> {
    let counted = blocks.iter().enumerate().flat_map(|(i, b)| b.lines.iter().map(move |line| (i, count(std::slice::from_ref(line)))));
    let lines: Vec<(usize, Counts)> = counted.collect();
    let place = |block: usize| lines.partition_point(|(b, _)| *b < block);
    let mut all = vec![0.0; blocks.len()];
    for (at, (block, _)) in lines.iter().enumerate().filter(|(_, (_, c))| c.waits > 0.0) {
        let around = loops.iter().filter(|(a, b)| a <= block && block <= b).min_by_key(|(a, b)| b - a);
        let (start, end) = around.map_or((0, at), |(a, b)| (place(*a), place(b + 1)));
        let mut since = 0.0;
        for (_, c) in lines[start..at].iter().rev().chain(lines[at..end].iter().rev()) {
            if c.loads > 0.0 {
                all[*block] += (1.0 - since / HIDES).max(0.0);
            }
            if c.loads + c.waits > 0.0 {
                break;
            }
            since += c.fma + c.vector + c.slow;
        }
    }
    all
}

/// Distinct registers that multiply-adds write.
fn sums(lines: &[String]) -> usize {
    let halves = lines.iter().flat_map(|l| l.split("::")).map(str::trim);
    let fma = halves.filter(|l| ["v_fma", "v_dual_fma", "v_mac_f32", "v_mad_f32"].iter().any(|s| l.starts_with(s)));
    fma.filter_map(|l| l.split_whitespace().nth(1)).map(|register| register.trim_end_matches(',')).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
BB0:
\ts_load_dwordx4 s[0:3], s[2:3], 0x0 ; f4080001 fa000000
\tv_mov_b32_e32 v0, 0
BB1:
\tv_mul_lo_u32 v1, v2, v3
\tbuffer_load_dwordx4 v[4:7], v1, s[0:3], 0 offen
BB2:
\tbuffer_load_dword v8, v1, s[0:3], 0 offen
\ts_waitcnt vmcnt(0)
\tds_write_b32 v1, v8
\ts_cbranch_scc1 BB2
BB3:
\ts_barrier
\tds_read_b128 v[8:11], v1
\tds_read2_b32 v[12:13], v1 offset1:1
\ts_waitcnt lgkmcnt(0)
\tv_fmac_f32_e32 v20, v8, v12
\tv_dual_fmac_f32 v21, v9, v12 :: v_dual_mov_b32 v3, v4
\tv_fma_f32 v20, v8, v9, v20
\ts_cbranch_vccnz BB1
BB4:
\tbuffer_store_dword v20, v1, s[0:3], 0 offen
\ts_endpgm
";

    #[test]
    fn instructions_are_told_apart() {
        let code = Code::read(TEXT);
        let hot =
            Counts { fma: 3.0, vector: 1.0, pairs: 1.0, lds_reads: 2.0, lds_words: 6.0, barriers: 1.0, scalar: 1.0, ..Counts::default() };
        assert_eq!(code.hot, hot);
        assert_eq!(code.sums, 2);
        assert_eq!((code.straight.vector, code.straight.stored, code.straight.loads), (1.0, 1.0, 0.0));
    }

    #[test]
    fn the_loop_around_the_hot_block_holds_the_filling() {
        let code = Code::read(TEXT);
        assert_eq!((code.round.loads, code.round.load_words), (1.0 + NESTED, 4.0 + NESTED));
        assert_eq!((code.round.waits, code.round.lds_stored, code.round.slow), (NESTED, NESTED, 1.0));
        assert_eq!(code.round.share(), 3.0 / 5.0);
        assert_eq!(code.round.width(), 3.0);
        assert_eq!(code.loops, [(code.round, true)]);
        assert_eq!(code.round.exposed, NESTED);
    }

    #[test]
    fn what_is_done_since_a_load_hides_its_latency() {
        let fma = "v_fmac_f32_e32 v2, v3, v4\n".repeat(100);
        let text = format!(
            "BB0:\nbuffer_load_dword v1\nBB1:\ns_waitcnt vmcnt(1)\ns_waitcnt vmcnt(0)\nbuffer_load_dword v1\n{fma}s_cbranch_scc1 BB1\nBB2:\ns_endpgm"
        );
        assert_eq!(Code::read(&text).round.exposed, 1.0 - 100.0 / HIDES);
    }
}
