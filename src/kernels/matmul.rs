//! Batched matrix products: the operands' strides, the choice of variant, and its launches.

use super::cooperative::Fragments;
use super::{Target, choices, matmul_row, matmul_subgroup, matmul_tile, matmul_wide};
use crate::gpu::{Capabilities, Launch, Shader};

/// A batched product `c[z,m,n] = α Σ_k a[z,m,k] b[z,k,n] (+ bias[n])`; strides count elements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Product {
    /// Number of products.
    pub batch: usize,
    /// Rows of `a` and `c`.
    pub m: usize,
    /// Columns of `b` and `c`.
    pub n: usize,
    /// Length of the sum.
    pub k: usize,
    /// Strides of `a` along batch, m, k.
    pub a: [usize; 3],
    /// Strides of `b` along batch, k, n.
    pub b: [usize; 3],
    /// Factor of the sum.
    pub alpha: f32,
    /// Whether a bias over n is added.
    pub bias: bool,
    /// Whether the positive part is taken.
    pub relu: bool,
}

impl Product {
    /// Contiguous operands, each optionally stored transposed.
    pub fn new(batch: usize, m: usize, n: usize, k: usize, transpose_a: bool, transpose_b: bool) -> Self {
        let a = if transpose_a { [m * k, 1, m] } else { [m * k, k, 1] };
        let b = if transpose_b { [k * n, 1, k] } else { [k * n, n, 1] };
        Product { batch, m, n, k, a, b, alpha: 1.0, bias: false, relu: false }
    }

    /// A launch of one of the kernels.
    pub(super) fn launch<B>(&self, shader: &'static Shader, entry: &'static str) -> Launch<B> {
        Launch::new(shader, entry)
            .set("batch", self.batch)
            .set("m", self.m)
            .set("n", self.n)
            .set("k", self.k)
            .set("a_batch", self.a[0])
            .set("a_row", self.a[1])
            .set("a_k", self.a[2])
            .set("b_batch", self.b[0])
            .set("b_k", self.b[1])
            .set("b_col", self.b[2])
            .set("alpha", self.alpha)
            .cost(self.bytes(), self.flops())
    }

    /// What is done to the sums, for the kernels: bit 0 the bias, bit 2 the positive part.
    pub(super) fn flags(&self) -> u32 {
        u32::from(self.bias) | u32::from(self.relu) << 2
    }

    /// Bytes moved, each element once.
    pub fn bytes(&self) -> u64 {
        4 * (self.batch * (self.m * self.k + self.k * self.n + self.m * self.n)) as u64
    }

    /// Floating-point operations.
    pub fn flops(&self) -> u64 {
        2 * (self.batch * self.m * self.n * self.k) as u64
    }
}

/// What a product reads and overwrites.
#[derive(Debug, Clone, Copy)]
pub struct Operands<B> {
    /// Left factor.
    pub a: B,
    /// Right factor.
    pub b: B,
    /// Bias over n; not read, and any operand will do, where the product has none.
    pub bias: B,
    /// The product.
    pub c: B,
}

impl<B> Operands<B> {
    /// Binds all four by name.
    pub(super) fn bind(self, launch: Launch<B>) -> Launch<B> {
        launch.bind("a", self.a).bind("b", self.b).bind("bias", self.bias).bind("c", self.c)
    }
}

/// Which kernel computes a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Operands distributed by subgroup broadcast.
    Subgroup,
    /// The same with accesses of two floats; needs operands that [`matmul_wide::fits`].
    Wide,
    /// Tiles in workgroup memory.
    Tile,
    /// The same by cooperative matrices, operands rounded to half precision.
    Cooperative(Fragments),
    /// One workgroup per element and slice of the sum, then the slices' sum.
    Row {
        /// Number of slices, at least 1.
        slices: usize,
    },
}

/// Subgroup width the subgroup variant is written for.
pub const SUBGROUP: u32 = 8;

impl Variant {
    /// The name by which a choice is recorded.
    pub fn name(self) -> String {
        match self {
            Variant::Subgroup => "subgroup".into(),
            Variant::Wide => "wide".into(),
            Variant::Tile => "tile".into(),
            Variant::Cooperative(_) => "cooperative".into(),
            Variant::Row { slices } => format!("row {slices}"),
        }
    }
}

/// Picks the variant for this adapter and shape: the one recorded in [`Target::tuned`], else by the [`table`].
pub fn choose(target: &Target, p: &Product) -> Variant {
    choices::product(target, p).unwrap_or_else(|| table(target, p))
}

/// The variants that can make a product on this adapter.
pub fn candidates(target: &Target, p: &Product) -> Vec<Variant> {
    let table = table(target, p);
    if matches!(table, Variant::Cooperative(_)) {
        return vec![table];
    }
    let lanes = target.software && target.subgroup_size == Some(SUBGROUP);
    // A workgroup per element: for few elements only.
    let few = p.batch * p.m * p.n <= 4096;
    let mut all = vec![table];
    let others = [
        (lanes && target.int64 && matmul_wide::fits(p)).then_some(Variant::Wide),
        lanes.then_some(Variant::Subgroup),
        Some(Variant::Tile),
        few.then_some(Variant::Row { slices: 1 }),
        few.then(|| Variant::Row { slices: slices(target, p) }),
    ];
    for v in others.into_iter().flatten() {
        if !all.contains(&v) {
            all.push(v);
        }
    }
    all
}

/// The variant for this adapter and shape where nothing was measured.
pub fn table(target: &Target, p: &Product) -> Variant {
    if let Some(f) = Fragments::of(target).filter(|_| target.half) {
        return Variant::Cooperative(f);
    }
    if target.software && target.subgroup_size == Some(SUBGROUP) {
        return match () {
            () if p.m * p.n * p.batch <= 8 && p.k >= 64 => Variant::Row { slices: slices(target, p) },
            () if target.int64 && matmul_wide::fits(p) => Variant::Wide,
            () => Variant::Subgroup,
        };
    }
    let tiles = p.batch * p.m.div_ceil(64) * p.n.div_ceil(64);
    if tiles <= 16 && p.m * p.n * p.batch <= 4096 && p.k >= 512 { Variant::Row { slices: slices(target, p) } } else { Variant::Tile }
}

/// Slices of the sum so that a product with few elements still fills the device.
fn slices(caps: &Capabilities, p: &Product) -> usize {
    let elements = p.batch * p.m * p.n;
    let wanted = if caps.software { 4 } else { 1024 };
    (wanted / elements.max(1)).clamp(1, p.k.div_ceil(256).max(1))
}

/// Launches of the product; `part` is scratch of `slices·batch·m·n` elements for [`Variant::Row`].
pub fn launches<B: Copy>(caps: &Capabilities, v: Variant, p: &Product, o: Operands<B>, part: Option<B>) -> Vec<Launch<B>> {
    match (v, part) {
        (Variant::Row { slices }, Some(part)) => matmul_row::matmul(caps, p, slices.max(1), o, part),
        (Variant::Wide, _) if matmul_wide::fits(p) => vec![matmul_wide::matmul(p, o)],
        (Variant::Subgroup | Variant::Wide, _) => vec![matmul_subgroup::matmul(p, o)],
        (Variant::Cooperative(f), _) => vec![matmul_tile::matmul(p, Some(f), o)],
        _ => vec![matmul_tile::matmul(p, None, o)],
    }
}
