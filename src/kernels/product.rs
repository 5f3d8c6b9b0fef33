//! What the kernels of a matrix product share: its extents and strides, its operands.

use crate::gpu::{Launch, Shader};

/// Subgroup width the subgroup variants of products and convolutions are written for.
pub const SUBGROUP: u32 = 8;

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

    /// Batch, rows, columns and terms of the sums.
    pub(super) fn extents(&self) -> [usize; 4] {
        [self.batch, self.m, self.n, self.k]
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
    /// Bias over n, where the product has one.
    pub bias: Option<B>,
    /// The product.
    pub c: B,
}

impl<B> Operands<B> {
    /// Binds all four by name.
    pub(super) fn bind(self, launch: Launch<B>) -> Launch<B> {
        launch.bind("a", self.a).bind("b", self.b).bind_any("bias", self.bias).bind("c", self.c)
    }
}
