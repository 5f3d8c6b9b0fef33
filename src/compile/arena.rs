//! Memory planning: values with known lifetimes into few pages, reusing what is no longer read.

/// A value to place: its size and the first and last step at which its memory must hold it.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    /// Size in bytes, already rounded up to the alignment.
    pub size: u64,
    /// Step that writes it.
    pub first: usize,
    /// Last step that reads it.
    pub last: usize,
}

/// Where a block landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// Page number.
    pub page: usize,
    /// Bytes from its start.
    pub bytes: u64,
}

/// Places blocks so that no two that live at the same time overlap; returns their offsets and the size of each page.
///
/// Greedy by size, largest first, each at the lowest free offset (Pisarchyk & Lee 2020, "Efficient memory management for deep
/// neural net inference", greedy-by-size). No page exceeds `page_limit` unless a single block does.
pub fn place(blocks: &[Block], page_limit: u64) -> (Vec<Offset>, Vec<u64>) {
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(blocks[i].size), blocks[i].first, i));
    let mut offsets = vec![Offset { page: 0, bytes: 0 }; blocks.len()];
    let mut pages: Vec<Vec<usize>> = Vec::new();
    let mut sizes: Vec<u64> = Vec::new();
    for i in order {
        let b = blocks[i];
        let page = (0..pages.len()).find_map(|p| {
            let bytes = lowest(&pages[p], blocks, &offsets, b);
            (bytes + b.size <= page_limit).then_some((p, bytes))
        });
        let (page, bytes) = page.unwrap_or_else(|| {
            pages.push(Vec::new());
            sizes.push(0);
            (pages.len() - 1, 0)
        });
        offsets[i] = Offset { page, bytes };
        sizes[page] = sizes[page].max(bytes + b.size);
        let at = pages[page].partition_point(|&j| offsets[j].bytes <= bytes);
        pages[page].insert(at, i);
    }
    (offsets, sizes)
}

/// Lowest offset at which `b` overlaps nothing alive; `page` lists its blocks by offset.
fn lowest(page: &[usize], blocks: &[Block], offsets: &[Offset], b: Block) -> u64 {
    let mut at = 0;
    for &j in page {
        let o = blocks[j];
        if o.first > b.last || o.last < b.first {
            continue;
        }
        if offsets[j].bytes >= at + b.size {
            break;
        }
        at = at.max(offsets[j].bytes + o.size);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlap(a: (Block, Offset), b: (Block, Offset)) -> bool {
        let in_time = a.0.first <= b.0.last && b.0.first <= a.0.last;
        let in_space = a.1.bytes < b.1.bytes + b.0.size && b.1.bytes < a.1.bytes + a.0.size;
        a.1.page == b.1.page && in_time && in_space
    }

    #[test]
    fn live_blocks_never_overlap_and_dead_memory_is_reused() {
        let mut s = 1u64;
        let mut next = |n: u64| {
            s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (s >> 33) % n
        };
        let blocks: Vec<Block> =
            (0..200).map(|i| Block { size: 256 * (1 + next(40)), first: i, last: i + 1 + next(12) as usize }).collect();
        for limit in [u64::MAX, 20_000] {
            let (offsets, pages) = place(&blocks, limit);
            for i in 0..blocks.len() {
                for j in 0..i {
                    assert!(!overlap((blocks[i], offsets[i]), (blocks[j], offsets[j])), "{i} and {j} overlap");
                }
            }
            assert!(pages.iter().all(|&p| p <= limit));
            let total: u64 = blocks.iter().map(|b| b.size).sum();
            assert!(pages.iter().sum::<u64>() < total / 4, "no reuse");
        }
    }
}
