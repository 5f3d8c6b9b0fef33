//! Batched matrix products: the variants, which one is taken, and its launches.

use super::cooperative::Fragments;
use super::panel::{Panel, SLICE};
use super::tuned::Variants;
use super::{Target, matmul_panel, matmul_row, matmul_subgroup, matmul_tile, matmul_wide};
use crate::gpu::{Capabilities, Launch};

pub use super::product::{Operands, Product, SUBGROUP};

/// Which kernel computes a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Operands distributed by subgroup broadcast.
    Subgroup,
    /// The same with accesses of two floats; needs operands that [`matmul_wide::fits`].
    Wide,
    /// Tiles in workgroup memory.
    Tile,
    /// Blocks of sums in registers or cooperative matrices, for GPUs.
    Panel(Panel),
    /// Tiles by cooperative matrices of counted subgroups, operands rounded to half precision.
    Cooperative(Fragments),
    /// One workgroup per element and slice of the sum, then the slices' sum.
    Row {
        /// Number of slices, at least 1.
        slices: usize,
    },
}

impl Variant {
    /// Whether operands are rounded to half precision.
    pub fn halves(&self) -> bool {
        matches!(self, Variant::Cooperative(_)) || matches!(self, Variant::Panel(panel) if panel.fragments().is_some())
    }
}

impl Variants for Product {
    type Variant = Variant;

    fn key(&self, target: &Target) -> String {
        let Product { batch, m, n, k, a, b, .. } = self;
        format!("matmul {batch}x{m}x{n}x{k} a{a:?} b{b:?} {}", target.precision())
    }

    fn name(variant: Variant) -> String {
        match variant {
            Variant::Subgroup => "subgroup".into(),
            Variant::Wide => "wide".into(),
            Variant::Tile => "tile".into(),
            Variant::Panel(panel) => panel.name(),
            Variant::Cooperative(_) => "cooperative".into(),
            Variant::Row { slices } => format!("row {slices}"),
        }
    }

    fn heuristic(&self, target: &Target) -> Variant {
        let Product { batch, m, n, k, .. } = *self;
        let subgroups = target.software && target.subgroup_size == Some(SUBGROUP);
        let (elements, tiles) = (batch * m * n, batch * m.div_ceil(64) * n.div_ceil(64));
        let row = match (target.software, subgroups) {
            (true, true) => elements <= 8 && k >= 64,
            (true, false) => tiles <= 16 && elements <= 4096 && k >= 512,
            (false, _) => elements <= 256 && k >= 512,
        };
        if row {
            return Variant::Row { slices: slices(target, self) };
        }
        match subgroups {
            true if target.int64 && matmul_wide::fits(self) => Variant::Wide,
            true => Variant::Subgroup,
            false if target.software => Variant::Tile,
            false => Variant::Panel(Panel::fastest(Panel::given(target), [batch, m, n, k], Some(SLICE))),
        }
    }

    fn others(&self, target: &Target) -> Vec<Variant> {
        let subgroups = target.software && target.subgroup_size == Some(SUBGROUP);
        // A workgroup per element: for few elements only.
        let cooperative = Fragments::of(target).filter(|_| target.half);
        let few = self.batch * self.m * self.n <= 4096;
        let others = [
            (subgroups && target.int64 && matmul_wide::fits(self)).then_some(Variant::Wide),
            subgroups.then_some(Variant::Subgroup),
            target.software.then_some(Variant::Tile),
            few.then_some(Variant::Row { slices: 1 }),
            few.then(|| Variant::Row { slices: slices(target, self) }),
            cooperative.filter(Fragments::counts).map(Variant::Cooperative),
        ];
        let panels = Panel::ALL.into_iter().chain(cooperative.into_iter().flat_map(Panel::cooperative));
        let panels = panels.filter(|_| !target.software).map(Variant::Panel);
        others.into_iter().flatten().chain(panels).collect()
    }
}

/// Elements of scratch that a variant's sums need in parts; 0 where it makes them whole.
pub fn parts(v: Variant, p: &Product) -> usize {
    let elements = p.batch * p.m * p.n;
    match v {
        Variant::Row { slices } => slices.max(1) * elements,
        Variant::Panel(panel) if matmul_panel::slices(panel, p) > 1 => matmul_panel::slices(panel, p) * elements,
        _ => 0,
    }
}

/// Slices of the sum so that a product with few elements still fills the device.
fn slices(caps: &Capabilities, p: &Product) -> usize {
    let elements = p.batch * p.m * p.n;
    let wanted = if caps.software { 4 } else { 1024 };
    (wanted / elements.max(1)).clamp(1, p.k.div_ceil(256).max(1))
}

/// Launches of the product; `part` is scratch of as many elements as [`parts`] says.
pub fn launches<B: Copy>(caps: &Capabilities, v: Variant, p: &Product, o: Operands<B>, part: Option<B>) -> Vec<Launch<B>> {
    match (v, part) {
        (Variant::Row { slices }, Some(part)) => matmul_row::matmul(caps, p, slices.max(1), o, part),
        (Variant::Wide, _) if matmul_wide::fits(p) => vec![matmul_wide::matmul(p, o)],
        (Variant::Subgroup | Variant::Wide, _) => vec![matmul_subgroup::matmul(p, o)],
        (Variant::Panel(panel), part) => matmul_panel::matmul(caps, panel, p, o, part),
        (Variant::Cooperative(f), _) => vec![matmul_tile::matmul(p, Some(f), o)],
        _ => vec![matmul_tile::matmul(p, None, o)],
    }
}
