//! Cooperative matrices: what a 64 x 64 tile is made of where the adapter multiplies small matrices in hardware (`tile_cooperative.wgsl`).
//!
//! Taken where it was measured to be faster (`--tune`), not where the adapter has them: an H200 needs three times the panels' time, because
//! a tile has two barriers for every two products of matrices.

use crate::gpu::{Capabilities, Launch, wgsl::constant};

/// Matrices of `edge` x `edge` made by subgroups: half-precision operands, single-precision sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragments {
    edge: u32,
    /// Invocations of a subgroup, where that is one number; else the shader counts them.
    wave: Option<u32>,
    /// The most there are.
    widest: u32,
}

/// Rows and columns of a tile, with cooperative matrices and without.
pub(super) const TILE: usize = constant(include_str!("../../shaders/common/tile0.wgsl"), "TILE") as usize;
/// Invocations of a tile's workgroup.
const INVOCATIONS: u32 = 256;
/// The widest subgroup of any adapter.
const WIDEST: u32 = 64;
/// Bytes of workgroup memory: two operands' panels and the sums.
const MEMORY: u32 = 2 * 2 * 1024 + 4 * 4096;

impl Fragments {
    /// What the adapter has, if anything.
    pub fn of(caps: &Capabilities) -> Option<Self> {
        let fixed = Fragments { edge: caps.cooperative?, wave: caps.subgroup_size, widest: caps.subgroup_max? };
        let able = caps.f16 && caps.max_workgroup_memory >= MEMORY && fixed.widest <= WIDEST;
        // Where there are more subgroups than matrices, the shader has to ask which have one.
        let f = if fixed.wave.is_some_and(|wave| fixed.all() * wave < INVOCATIONS) { fixed.counted() } else { fixed };
        able.then_some(f)
    }

    /// The same for subgroups that the shader counts the invocations of, of whatever adapter.
    pub fn counted(self) -> Self {
        Fragments { wave: None, widest: WIDEST, ..self }
    }

    /// Those of subgroups of a fixed width and those of counted ones, by name; `None` where the adapter lacks them. A GPU of fixed subgroups is
    /// never given counted ones (NVIDIA's driver 580 computes wrong with them); software adapters show what others are given.
    pub fn both(caps: &Capabilities) -> [(&'static str, Option<Self>); 2] {
        let own = Fragments::of(caps);
        [
            ("cooperative", own.filter(|f| !f.counts())),
            ("cooperative, counted", own.filter(|f| f.counts() || caps.software).map(Self::counted)),
        ]
    }

    /// Whether the adapter is given these: the doctor need not look at others.
    pub fn given(&self, caps: &Capabilities) -> bool {
        Fragments::of(caps).as_ref() == Some(self)
    }

    /// Whether the shader counts the invocations of a subgroup.
    pub fn counts(&self) -> bool {
        self.wave.is_none()
    }

    /// Matrices of a tile.
    fn all(&self) -> u32 {
        (TILE as u32 / self.edge).pow(2)
    }

    /// Matrices of a subgroup at most.
    fn parts(&self) -> u32 {
        (self.all() * self.wave.unwrap_or(self.widest) / INVOCATIONS).max(1)
    }

    /// A launch of a shader on `tile${COOP}.wgsl`, made cooperative.
    pub(super) fn tune<B>(&self, launch: Launch<B>) -> Launch<B> {
        launch
            .tune("COOP", self.edge)
            .tune("WAVE", self.wave.unwrap_or(self.widest))
            .tune("PARTS", self.parts())
            .tune("COUNTED", u32::from(self.counts()))
    }
}

/// The tunable sets shaders on `tile${COOP}.wgsl` ship with: subgroups of 8, 16, 32 and 64, and those that are counted.
macro_rules! cooperative_shader {
    ($stem:literal) => {
        $crate::kernels::shader!(
            $stem,
            [("COOP", 8), ("WAVE", 8), ("PARTS", 2)],
            [("COOP", 8), ("WAVE", 32), ("PARTS", 8)],
            [("COOP", 16), ("WAVE", 16), ("PARTS", 1)],
            [("COOP", 16), ("WAVE", 32), ("PARTS", 2)],
            [("COOP", 16), ("WAVE", 64), ("PARTS", 4)],
            [("COOP", 8), ("WAVE", 32), ("PARTS", 8), ("COUNTED", 1)],
            [("COOP", 8), ("WAVE", 64), ("PARTS", 16), ("COUNTED", 1)],
            [("COOP", 16), ("WAVE", 32), ("PARTS", 2), ("COUNTED", 1)],
            [("COOP", 16), ("WAVE", 64), ("PARTS", 4), ("COUNTED", 1)],
        );
    };
}
pub(super) use cooperative_shader;
