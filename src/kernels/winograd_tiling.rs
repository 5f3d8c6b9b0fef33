//! The tiles of Winograd's method, and which convolutions it computes.

use super::conv2d_geometry::{Geometry, Pass};
use super::panel::{Panel, SLICE};
use super::product::{Product, SUBGROUP};
use super::{Target, conv2d_panel, matmul_wide};
use crate::gpu::{Launch, Shader};

/// Positions of a transformed tile.
const POSITIONS: usize = 36;

/// Tiles and channels of a convolution that [`fits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiling {
    n: usize,
    /// Channels transformed by `winograd_input`.
    pub(super) cin: usize,
    /// Channels transformed by `winograd_output`.
    pub(super) cout: usize,
    size: [usize; 2],
    down: usize,
    across: usize,
    /// Pairs of tiles, rounded up to a multiple of four, for the products.
    pub(super) strips: usize,
    /// For software adapters, which are given pairs of floats in 64-bit integers and a product by subgroups; GPUs are given panels.
    pub(super) packed: bool,
}

impl Tiling {
    fn new(g: &Geometry, packed: bool) -> Self {
        let (down, across) = (g.input[0].div_ceil(4), g.input[1].div_ceil(8));
        let strips = (g.n * down * across).next_multiple_of(4);
        Tiling { n: g.n, cin: g.cin, cout: g.cout, size: g.input, down, across, strips, packed }
    }

    /// The same tiles with the channels' roles exchanged: what the input gradient convolves.
    pub(super) fn reversed(&self) -> Self {
        Tiling { cin: self.cout, cout: self.cin, ..*self }
    }

    fn tiles(&self) -> usize {
        2 * self.strips
    }

    /// A launch of one of the transforms.
    pub(super) fn launch<B>(&self, shader: &'static Shader, entry: &'static str) -> Launch<B> {
        let inverse = |v: usize| 1.0 / v as f32;
        let launch = Launch::new(shader, entry);
        let launch = if self.packed { launch } else { launch.tune("PACKED", 0).tune("WG", 64) };
        launch
            .set("n", self.n)
            .set("cin", self.cin)
            .set("cout", self.cout)
            .set("h", self.size[0])
            .set("w", self.size[1])
            .set("down", self.down)
            .set("across", self.across)
            .set("strips", self.strips)
            .set("per_strips", inverse(self.strips))
            .set("per_image", inverse(self.down * self.across))
            .set("per_across", inverse(self.across))
            .set("per_pair", 2.0 * inverse(self.cout))
    }

    /// Elements of an image-sized operand with `channels`.
    pub(super) fn pixels(&self, channels: usize) -> usize {
        self.n * channels * self.size[0] * self.size[1]
    }

    /// Elements of a transformed operand with `channels`.
    pub(super) fn transformed(&self, channels: usize) -> usize {
        POSITIONS * channels * self.tiles()
    }

    /// Elements of the transformed weights.
    pub(super) fn weights(&self) -> usize {
        POSITIONS * self.cin * self.cout
    }

    /// `m = u v` by position: (cout, cin) x (cin, tiles), or transposed where that wastes less of the product's 16 x 32 tiles. The weights
    /// of the reversed convolution are stored as the forward's.
    pub(super) fn product(&self, reversed: bool) -> Product {
        let (t, cin, cout) = (self.tiles(), self.cin, self.cout);
        match self.few() {
            true => Product::new(POSITIONS, t, cout, cin, true, !reversed),
            false => Product::new(POSITIONS, cout, t, cin, reversed, false),
        }
    }

    /// Whether the product is made transposed.
    pub(super) fn few(&self) -> bool {
        self.packed && self.columns() < self.tiles().next_multiple_of(4 * SUBGROUP as usize)
    }

    /// Tiles the product computes.
    fn columns(&self) -> usize {
        self.tiles().next_multiple_of(2 * SUBGROUP as usize)
    }

    /// `du = dm vᵀ` by position: (cout, tiles) x (tiles, cin).
    pub(super) fn weight_product(&self) -> Product {
        Product::new(POSITIONS, self.cout, self.cin, self.tiles(), false, true)
    }

    /// Scratch of a pass; `reserve` is told the elements of each.
    pub(super) fn scratch<B>(&self, mut reserve: impl FnMut(usize) -> B) -> Scratch<B> {
        Scratch {
            weights: reserve(self.weights()),
            input: reserve(self.transformed(self.cin)),
            output: reserve(self.transformed(self.cout)),
        }
    }
}

/// The operands of a pass, transformed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scratch<B> {
    /// Weights, or their gradient.
    pub weights: B,
    /// What `winograd_input` makes.
    pub input: B,
    /// What `winograd_output` reads, or the output's gradient.
    pub output: B,
}

/// The tiles of a convolution that Winograd's method computes faster for this target than the direct sum; `None` where it does not apply.
pub fn faster(target: &Target, g: &Geometry, pass: Pass) -> Option<Tiling> {
    let t = fits(target, g)?;
    let pays = if t.packed { pays_on_software(&t, g, pass) } else { pays_on_gpus(&target.adapter, &t, g, pass) };
    pays.then_some(t)
}

/// By time, as [`Panel::time`] counts it.
fn pays_on_gpus(adapter: &str, t: &Tiling, g: &Geometry, pass: Pass) -> bool {
    let product = match pass {
        Pass::Forward => t.product(false),
        Pass::Input => t.reversed().product(true),
        Pass::Weight => t.weight_product(),
    };
    // What is transformed is written by one launch and read by the next.
    let elements = 2 * (t.transformed(t.cin) + t.transformed(t.cout) + t.weights()) + t.pixels(t.cin) + t.pixels(t.cout);
    let around = multiply_adds_per_byte(adapter) * 4.0 * elements as f64 + 3.0 * MULTIPLY_ADDS_PER_LAUNCH;
    Panel::least_time(product.extents(), Some(SLICE)) + Panel::time_of(around) < conv2d_panel::time(g, pass)
}

/// Multiply-adds in panels while a byte is moved: 4 where memory is as fast as an H100's or H200's (measured). Elsewhere 15 to 25, which is 60 % of what data
/// sheets say: this is the cautious end.
fn multiply_adds_per_byte(adapter: &str) -> f64 {
    if ["H100", "H200"].iter().any(|name| adapter.contains(name)) { 4.0 } else { 24.0 }
}

/// Multiply-adds in panels during an empty launch: 7e7 in the 4.4 µs of an H200. Three times as many, because small convolutions take less time
/// than [`Panel::time`] counts: where few invocations share a processor, each is faster.
const MULTIPLY_ADDS_PER_LAUNCH: f64 = 2e8;

fn pays_on_software(t: &Tiling, g: &Geometry, pass: Pass) -> bool {
    // Multiply-adds of the products against those of the direct sum, which takes pixels in tiles of 32, plus the transforms' accesses,
    // one of which costs a software driver as much as some fourteen multiply-adds.
    let (columns, accesses) = match pass {
        Pass::Forward | Pass::Input => (t.columns(), 22 * g.cin * g.cout + t.tiles() * (36 * g.cin.min(g.cout) + 26 * g.cin.max(g.cout))),
        Pass::Weight => (t.tiles(), 22 * g.cin * g.cout + t.tiles() * (36 * g.cin + 26 * g.cout)),
    };
    let products = POSITIONS * g.cin * g.cout * columns;
    let mut direct = 9 * g.cin * g.cout * (g.n * g.output[0] * g.output[1]).next_multiple_of(4 * SUBGROUP as usize);
    if pass == Pass::Weight {
        // The direct weight gradient goes row by row and checks the ends of each: measured five times slower on rows of 2, twice on 8.
        direct += direct * 8 / g.output[1].max(1);
    }
    products + 14 * accesses < direct
}

/// The tiles of a convolution that can be computed so at all.
pub fn fits(target: &Target, g: &Geometry) -> Option<Tiling> {
    let packed = target.software && target.subgroup_size == Some(SUBGROUP) && target.int64;
    let three = g.kernel == [3, 3] && g.stride == [1, 1] && g.dilation == [1, 1] && g.padding == [1, 1] && g.groups == 1;
    let even = g.cin.is_multiple_of(8) && g.cout.is_multiple_of(8) && g.input[1].is_multiple_of(2) && g.n > 0;
    // Panels of cooperative matrices are faster without it.
    let able = target.winograd && (packed || !(target.software || Panel::cooperates(target)));
    if !(able && three && even) {
        return None;
    }
    let t = Tiling::new(g, packed);
    let scratch = t.scratch(|elements| elements);
    let largest = scratch.weights.max(scratch.input).max(scratch.output);
    // Lane numbers pass through f32, exactly below 2^23.
    let small = 4 * largest as u64 <= target.max_binding && g.cin.max(g.cout) * t.strips < 1 << 23;
    let products = [t.product(false), t.reversed().product(true), t.weight_product()];
    (small && (!packed || products.iter().all(matmul_wide::fits))).then_some(t)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A convolution of 3 x 3 without a stride, of `n` images.
    fn square(n: usize, channels: usize, side: usize) -> Geometry {
        let size = [side; 2];
        let (kernel, one) = ([3; 2], [1; 2]);
        Geometry {
            n,
            groups: 1,
            cin: channels,
            cout: channels,
            input: size,
            output: size,
            kernel,
            stride: one,
            padding: one,
            dilation: one,
        }
    }

    #[test]
    fn gpus_are_given_it_where_arithmetic_takes_longer_than_memory() {
        let pays = |adapter: &str, g: &Geometry| {
            [Pass::Forward, Pass::Input, Pass::Weight].map(|pass| pays_on_gpus(adapter, &Tiling::new(g, false), g, pass))
        };
        // The convolutions of Res-Trans, 64 images of 256 x 256, and single ones.
        let [first, second, third, last] = [(64, 64), (128, 32), (256, 16), (512, 8)].map(|(channels, side)| square(64, channels, side));
        for g in [third, last] {
            assert_eq!(pays("a card", &g), [true; 3], "{g:?}");
        }
        for g in [first, second, square(1, 64, 64), square(1, 512, 8)] {
            assert_eq!(pays("a card", &g), [false; 3], "{g:?}");
        }
        assert_eq!(pays("NVIDIA H200", &second), [true; 3]);
    }
}
