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
pub struct Slot {
    /// Page number.
    pub page: usize,
    /// Byte offset in the page.
    pub offset: u64,
}

/// Places blocks so that no two that live at the same time overlap; returns the slots and the size of each page.
///
/// Greedy by size, largest first, each at the lowest free offset (Pisarchyk & Lee 2020, "Efficient memory management for deep
/// neural net inference", greedy-by-size). No page exceeds `page_limit` unless a single block does.
pub fn place(blocks: &[Block], page_limit: u64) -> (Vec<Slot>, Vec<u64>) {
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(blocks[i].size), blocks[i].first, i));
    let mut slots = vec![Slot { page: 0, offset: 0 }; blocks.len()];
    let mut pages: Vec<Vec<usize>> = Vec::new();
    let mut sizes: Vec<u64> = Vec::new();
    for i in order {
        let b = blocks[i];
        let page = (0..pages.len()).find_map(|p| {
            let offset = lowest(&pages[p], blocks, &slots, b);
            (offset + b.size <= page_limit).then_some((p, offset))
        });
        let (page, offset) = page.unwrap_or_else(|| {
            pages.push(Vec::new());
            sizes.push(0);
            (pages.len() - 1, 0)
        });
        slots[i] = Slot { page, offset };
        sizes[page] = sizes[page].max(offset + b.size);
        let at = pages[page].partition_point(|&j| slots[j].offset <= offset);
        pages[page].insert(at, i);
    }
    (slots, sizes)
}

/// Lowest offset at which `b` overlaps nothing alive; `page` lists its blocks by offset.
fn lowest(page: &[usize], blocks: &[Block], slots: &[Slot], b: Block) -> u64 {
    let mut at = 0;
    for &j in page {
        let o = blocks[j];
        if o.first > b.last || o.last < b.first {
            continue;
        }
        if slots[j].offset >= at + b.size {
            break;
        }
        at = at.max(slots[j].offset + o.size);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlap(a: (Block, Slot), b: (Block, Slot)) -> bool {
        let in_time = a.0.first <= b.0.last && b.0.first <= a.0.last;
        let in_space = a.1.offset < b.1.offset + b.0.size && b.1.offset < a.1.offset + a.0.size;
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
            let (slots, pages) = place(&blocks, limit);
            for i in 0..blocks.len() {
                for j in 0..i {
                    assert!(!overlap((blocks[i], slots[i]), (blocks[j], slots[j])), "{i} and {j} overlap");
                }
            }
            assert!(pages.iter().all(|&p| p <= limit));
            let total: u64 = blocks.iter().map(|b| b.size).sum();
            assert!(pages.iter().sum::<u64>() < total / 4, "no reuse");
        }
    }
}
