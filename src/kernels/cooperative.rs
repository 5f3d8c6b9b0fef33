//! Cooperative matrices: what a 64 x 64 tile is made of where the adapter multiplies small matrices in hardware (`tile_cooperative.wgsl`).

use crate::gpu::{Capabilities, Launch, wgsl::constant};

/// Matrices of `edge` x `edge` made by subgroups of `wave` invocations: half-precision operands, single-precision sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragments {
    edge: u32,
    wave: u32,
}

/// Rows and columns of a tile, with cooperative matrices and without.
pub(super) const TILE: usize = constant(include_str!("../../shaders/common/tile0.wgsl"), "TILE") as usize;
/// Invocations of a tile's workgroup.
const INVOCATIONS: u32 = 256;
/// Bytes of workgroup memory: two operands' panels and the sums.
const MEMORY: u32 = 2 * 2 * 1024 + 4 * 4096;

impl Fragments {
    /// What the adapter has, if anything that divides a tile evenly among its subgroups.
    pub fn of(caps: &Capabilities) -> Option<Self> {
        let f = Fragments { edge: caps.cooperative?, wave: caps.subgroup_size? };
        (f.parts() > 0 && caps.f16 && caps.max_workgroup_memory >= MEMORY).then_some(f)
    }

    /// Matrices per subgroup; 0 where there are more subgroups than matrices.
    fn parts(&self) -> u32 {
        (TILE as u32 / self.edge).pow(2) * self.wave / INVOCATIONS
    }

    /// A launch of a shader on `tile${COOP}.wgsl`, made cooperative.
    pub(super) fn tune<B>(&self, launch: Launch<B>) -> Launch<B> {
        launch.tune("COOP", self.edge).tune("WAVE", self.wave).tune("PARTS", self.parts())
    }
}

/// The tunable sets shaders on `tile${COOP}.wgsl` ship with: subgroups of 8, 32 and 64.
macro_rules! cooperative_shader {
    ($stem:literal) => {
        $crate::kernels::shader!(
            $stem,
            [("COOP", 8), ("WAVE", 8), ("PARTS", 2)],
            [("COOP", 8), ("WAVE", 32), ("PARTS", 8)],
            [("COOP", 16), ("WAVE", 16), ("PARTS", 1)],
            [("COOP", 16), ("WAVE", 32), ("PARTS", 2)],
            [("COOP", 16), ("WAVE", 64), ("PARTS", 4)],
        );
    };
}
pub(super) use cooperative_shader;
