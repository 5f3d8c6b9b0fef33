//! Blocks of sums in registers, fed by panels in workgroup memory (`common/panel.wgsl`): which sizes there are, and which one is taken.

use super::cooperative::Fragments;
use super::target::{BUSY, Target};
use crate::gpu::Launch;

/// A block of sums: so many invocations with so many fours of columns and rows each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panel {
    /// Invocations along columns and rows.
    lanes: [u32; 2],
    /// Fours of columns and rows per invocation.
    fours: [u32; 2],
    /// Multiply-adds per invocation and time when the device is full, in percent of the largest block's: reads of workgroup memory, loads and
    /// barriers are spread over fewer sums in small blocks.
    rate: u32,
    /// Cooperative matrices that make the sums, which round operands to half precision: how many a subgroup makes down and across.
    fragments: Option<(Fragments, [u32; 2])>,
}

/// Terms of the sum per step. As few as give each invocation a vector to load, so that little is kept in registers on its way.
const STEP: u32 = 8;
/// The same with cooperative matrices, whose products take less time: one or two of them.
const COOPERATIVE_STEP: u32 = 16;

/// Terms of a sum that cost as much as what a block does once, before and after it.
const ONCE: f64 = 32.0;
/// Fewest terms of a slice of a sum whose results are many.
pub(super) const SLICE: usize = 128;

impl Panel {
    /// All sizes, 128 x 128 sums to 32 x 32.
    pub const ALL: [Panel; 6] = [
        Panel::new([16, 16], [2, 2], 100),
        Panel::new([16, 8], [2, 2], 95),
        Panel::new([8, 16], [2, 2], 95),
        Panel::new([8, 16], [2, 1], 80),
        Panel::new([8, 8], [2, 1], 70),
        Panel::new([8, 8], [1, 1], 45),
    ];

    const fn new(lanes: [u32; 2], fours: [u32; 2], rate: u32) -> Self {
        Panel { lanes, fours, rate, fragments: None }
    }

    /// Rows of a block.
    pub fn rows(&self) -> usize {
        (4 * self.lanes[1] * self.fours[1]) as usize
    }

    /// Columns of a block.
    pub fn columns(&self) -> usize {
        (4 * self.lanes[0] * self.fours[0]) as usize
    }

    /// Sizes whose sums are made by `fragments`; none where these are of subgroups of several sizes.
    pub fn cooperative(fragments: Fragments) -> impl Iterator<Item = Panel> {
        [0, 3, 5].map(|i| Panel::ALL[i]).into_iter().filter_map(move |panel| {
            let size = [panel.rows(), panel.columns()].map(|n| n as u32);
            let matrices = fragments.of_panel(size, panel.lanes[0] * panel.lanes[1])?;
            Some(Panel { fragments: Some((fragments, matrices)), ..panel })
        })
    }

    /// The cooperative matrices that make the sums.
    pub fn fragments(&self) -> Option<Fragments> {
        self.fragments.map(|(fragments, _)| fragments)
    }

    /// The name of a variant.
    pub fn name(&self) -> String {
        let kind = if self.fragments.is_some() { "cooperative" } else { "panel" };
        format!("{kind} {}x{}", self.rows(), self.columns())
    }

    /// A launch of a shader on `panel.wgsl`.
    pub(super) fn tune<B>(&self, launch: Launch<B>) -> Launch<B> {
        let ([lx, ly], [rx, ry]) = (self.lanes, self.fours);
        let step = if self.fragments.is_some() { COOPERATIVE_STEP } else { STEP };
        let launch = launch.tune("LX", lx).tune("LY", ly).tune("RX", rx).tune("RY", ry).tune("STEP", step);
        let launch = launch.tune("FILL_A", ry * step / lx).tune("FILL_B", rx * step / ly);
        match self.fragments {
            Some((f, matrices)) => f.tune_panel(launch, matrices),
            None => launch,
        }
    }

    /// Blocks of `batch` products of `rows` x `columns`.
    pub(super) fn blocks(&self, batch: usize, rows: usize, columns: usize) -> usize {
        batch * rows.div_ceil(self.rows()) * columns.div_ceil(self.columns())
    }

    fn invocations(&self) -> f64 {
        f64::from(self.lanes[0] * self.lanes[1])
    }

    /// Slices of sums of `terms`, at least `least` each, so that `blocks` fill the device; 1 where they fill half of it.
    pub(super) fn slices(&self, blocks: usize, terms: usize, least: usize) -> usize {
        let wanted = (BUSY as f64 / (self.invocations() * blocks.max(1) as f64)) as usize;
        wanted.clamp(1, (terms / least).max(1))
    }

    /// The time of the products by this panel, up to a factor: all sums of all blocks, by as many invocations as there are or work at a time.
    fn time(&self, [batch, rows, columns, terms]: [usize; 4], least: Option<usize>) -> f64 {
        let blocks = self.blocks(batch, rows, columns);
        let slices = least.map_or(1, |least| self.slices(blocks, terms, least));
        let sums = (blocks * self.rows() * self.columns()) as f64;
        let busy = (blocks as f64 * slices as f64 * self.invocations()).min(BUSY as f64);
        sums * (terms as f64 + ONCE * slices as f64) / (f64::from(self.rate) * busy)
    }

    /// The same of so many multiply-adds that fill the device.
    pub(super) fn time_of(multiply_adds: f64) -> f64 {
        multiply_adds / (f64::from(Panel::ALL[0].rate) * BUSY as f64)
    }

    /// The time of products by the size that is fastest.
    pub(super) fn least_time(extents: [usize; 4], least: Option<usize>) -> f64 {
        Panel::fastest(Panel::ALL.into(), extents, least).time(extents, least)
    }

    /// The sizes that an adapter is given where nothing was measured.
    pub(super) fn given(target: &Target) -> Vec<Self> {
        let fragments = Fragments::of(target).filter(|f| target.half && f.fast(target));
        let cooperative: Vec<Panel> = fragments.into_iter().flat_map(Panel::cooperative).collect();
        if cooperative.is_empty() { Panel::ALL.into() } else { cooperative }
    }

    /// Whether those are of cooperative matrices.
    pub(super) fn cooperates(target: &Target) -> bool {
        Panel::given(target).iter().all(|panel| panel.fragments.is_some())
    }

    /// The one of `sizes` that should be fastest for `batch` products of `rows` x `columns` sums of `terms`, which may be cut into slices of
    /// `least` or not.
    pub(super) fn fastest(sizes: Vec<Self>, extents: [usize; 4], least: Option<usize>) -> Self {
        let time = |panel: &Panel| panel.time(extents, least);
        sizes.into_iter().reduce(|best, other| if time(&other) < time(&best) { other } else { best }).unwrap_or(Panel::ALL[0])
    }
}

/// Declares a shader on `panel.wgsl`, which ships with all sizes; those of cooperative matrices for subgroups of 8, 16, 32 and 64.
macro_rules! panel_shader {
    ($stem:literal) => {
        $crate::kernels::panel::panel_shader!(
            $stem,
            [16, 16, 2, 2; 8, 8, 2, 4],
            [8, 16, 2, 1; 8, 8, 2, 2],
            [8, 8, 1, 1; 8, 8, 1, 2],
            [16, 16, 2, 2; 8, 32, 4, 8],
            [8, 16, 2, 1; 8, 32, 4, 4],
            [8, 8, 1, 1; 8, 32, 2, 4],
            [16, 16, 2, 2; 16, 16, 2, 2],
            [8, 16, 2, 1; 16, 16, 1, 2],
            [8, 8, 1, 1; 16, 16, 1, 1],
            [16, 16, 2, 2; 16, 32, 2, 4],
            [8, 16, 2, 1; 16, 32, 2, 2],
            [8, 8, 1, 1; 16, 32, 1, 2],
            [16, 16, 2, 2; 16, 64, 4, 4],
            [8, 16, 2, 1; 16, 64, 2, 4],
            [8, 8, 1, 1; 16, 64, 2, 2],
        );
    };
    ($stem:literal, $([$lx:literal, $ly:literal, $rx:literal, $ry:literal; $coop:literal, $wave:literal, $fx:literal, $fy:literal],)+) => {
        $crate::kernels::shader!(
            $stem,
            [("LX", 16), ("LY", 8), ("RX", 2), ("RY", 2), ("STEP", 8), ("FILL_A", 1), ("FILL_B", 2)],
            [("LX", 8), ("LY", 16), ("RX", 2), ("RY", 2), ("STEP", 8), ("FILL_A", 2), ("FILL_B", 1)],
            [("LX", 8), ("LY", 16), ("RX", 2), ("RY", 1), ("STEP", 8), ("FILL_A", 1), ("FILL_B", 1)],
            [("LX", 8), ("LY", 8), ("RX", 2), ("RY", 1), ("STEP", 8), ("FILL_A", 1), ("FILL_B", 2)],
            [("LX", 8), ("LY", 8), ("RX", 1), ("RY", 1), ("STEP", 8), ("FILL_A", 1), ("FILL_B", 1)],
            $([
                ("LX", $lx), ("LY", $ly), ("RX", $rx), ("RY", $ry), ("STEP", 16), ("FILL_A", $ry * 16 / $lx), ("FILL_B", $rx * 16 / $ly),
                ("COOP", $coop), ("WAVE", $wave), ("FX", $fx), ("FY", $fy)
            ],)+
        );
    };
}
pub(super) use panel_shader;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_products_take_large_blocks_and_small_ones_fill_the_device() {
        let name = |extents| Panel::fastest(Panel::ALL.into(), extents, Some(SLICE)).name();
        assert_eq!(name([1, 4096, 4096, 512]), "panel 128x128");
        assert_eq!(name([1, 64, 100_000, 576]), "panel 64x128");
        assert_eq!(name([1, 20, 65_536, 64]), "panel 32x64");
        assert_eq!(name([64, 32, 32, 64]), "panel 32x32");
    }

    #[test]
    fn sums_are_cut_where_blocks_are_few() {
        let [large, .., small] = Panel::ALL;
        let sliced = |panel: Panel, blocks, terms| panel.slices(blocks, terms, SLICE);
        assert_eq!((sliced(large, 1, 100_000), sliced(large, 128, 4096), sliced(large, 129, 4096)), (256, 2, 1));
        assert_eq!((sliced(small, 1, 100), sliced(small, 1, 1000), sliced(small, 0, 0), small.slices(1, 1000, 96)), (1, 7, 1, 10));
    }
}
