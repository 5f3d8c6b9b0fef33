//! Cooperative matrices, where the adapter multiplies small matrices in hardware: panels of them where its subgroups have one size
//! (`sums_cooperative.wgsl`), 64 x 64 tiles where they have several (`tile_cooperative.wgsl`).
//!
//! Taken where they were measured to be faster, here or on an adapter of the kind, not where the adapter has them: on an H200 a training step
//! by tiles took 213 ms, by panels in registers 62, by panels of cooperative matrices 44 (64 images of 256 x 256, values in halves).

use crate::gpu::{Capabilities, Launch, wgsl::constant};

/// Matrices of `edge` x `edge` made by subgroups: half-precision operands, single-precision sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragments {
    edge: u32,
    /// Invocations of a subgroup, where that is one number; else the shader counts them.
    wave: Option<u32>,
}

/// Rows and columns of a tile, with cooperative matrices and without.
pub(super) const TILE: usize = constant(include_str!("../../shaders/common/tile0.wgsl"), "TILE") as usize;
/// Invocations of a tile's workgroup.
const INVOCATIONS: u32 = 256;
/// The widest subgroup of any adapter.
const WIDEST: u32 = 64;
/// Bytes of workgroup memory: two operands' panels and a band of sums, of the largest panel.
const MEMORY: u32 = 2 * 2 * 16 * 136 + 4 * 32 * 128;

impl Fragments {
    /// What the adapter has, if anything.
    pub fn of(caps: &Capabilities) -> Option<Self> {
        let fragments = Fragments { edge: caps.cooperative?, wave: caps.subgroup_size };
        let able = caps.f16 && caps.max_workgroup_memory >= MEMORY && caps.subgroup_max? <= WIDEST;
        able.then_some(fragments)
    }

    /// What tiles are made of: counted subgroups. A GPU whose subgroups have one size is not given them (NVIDIA's driver 580 computes wrong with
    /// them); software adapters show what others are given.
    pub fn of_tiles(caps: &Capabilities) -> Option<Self> {
        let own = Fragments::of(caps).filter(|f| f.counts() || caps.software);
        own.map(|f| Fragments { wave: None, ..f })
    }

    /// Whether they were measured to be faster than registers on an adapter of the kind: NVIDIA's, subgroups of 32, matrices of 16 x 16 (H200).
    /// Others are asked by `--tune`.
    pub(super) fn fast(&self, caps: &Capabilities) -> bool {
        caps.driver.starts_with("NVIDIA") && *self == Fragments { edge: 16, wave: Some(32) }
    }

    /// Whether the adapter is given these: the doctor need not look at others.
    pub fn given(&self, caps: &Capabilities) -> bool {
        Fragments::of(caps).as_ref() == Some(self)
    }

    /// Whether the shader counts the invocations of a subgroup.
    pub fn counts(&self) -> bool {
        self.wave.is_none()
    }

    /// Matrices of a subgroup down and across, of a panel of so many rows and columns that `lanes` invocations make: about a square. `None`
    /// where subgroups have several sizes, or are more than the panel's matrices.
    pub(super) fn of_panel(&self, [rows, columns]: [u32; 2], lanes: u32) -> Option<[u32; 2]> {
        let own = (rows / self.edge) * (columns / self.edge) * self.wave? / lanes;
        let down = (own >> (own.checked_ilog2()? / 2)).min(rows / self.edge);
        Some([down, own / down])
    }

    /// A launch of a shader on `panel.wgsl`, made cooperative.
    pub(super) fn tune_panel<B>(&self, launch: Launch<B>, [down, across]: [u32; 2]) -> Launch<B> {
        launch.tune("COOP", self.edge).tune("WAVE", self.wave.unwrap_or(WIDEST)).tune("FX", across).tune("FY", down)
    }

    /// A launch of a shader on `tile${COOP}.wgsl`, made cooperative.
    pub(super) fn tune_tile<B>(&self, launch: Launch<B>) -> Launch<B> {
        let all = (TILE as u32 / self.edge).pow(2);
        launch.tune("COOP", self.edge).tune("PARTS", (all * WIDEST / INVOCATIONS).max(1))
    }
}
