//! Launches of `pool2d.wgsl`.

use super::{alone, shader, stream, walk};
use crate::gpu::{Capabilities, Launch};

shader!("pool2d", [("WG", 8), ("PER", 256)], [("WG", 8), ("PER", 16)], [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Extents of a pooling over planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// Planes (N·C).
    pub rows: usize,
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the output.
    pub output: [usize; 2],
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Margin at each edge.
    pub padding: [usize; 2],
    /// Whether an average counts the margin.
    pub count_pad: bool,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    rows: u32,
    input: [u32; 2],
    output: [u32; 2],
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: [u32; 2],
    count_pad: u32,
    alone: u32,
    per_stride: f32,
    _pad: [u32; 2],
}

impl Pool {
    fn launch<B>(&self, entry: &'static str, alone: bool) -> Launch<B> {
        let pair = |v: [usize; 2]| v.map(|v| v as u32);
        let params = Params {
            rows: self.rows as u32,
            input: pair(self.input),
            output: pair(self.output),
            kernel: pair(self.kernel),
            stride: pair(self.stride),
            padding: pair(self.padding),
            count_pad: u32::from(self.count_pad),
            alone: u32::from(alone),
            per_stride: 1.0 / self.stride[1] as f32,
            _pad: [0; 2],
        };
        let work = self.outputs() * self.kernel[0] * self.kernel[1];
        Launch::new(&SHADER, entry, &params).cost(4 * (self.inputs() + self.outputs()) as u64, work as u64)
    }

    /// Over rows of pixels, `width` each.
    fn by_row<B>(&self, caps: &Capabilities, entry: &'static str, rows: usize, width: usize) -> Launch<B> {
        let mut launch = walk(caps, self.launch(entry, alone(caps, rows)), rows, width, 1);
        launch.tunables.retain(|(name, _)| *name != "LANES");
        launch
    }

    fn inputs(&self) -> usize {
        self.rows * self.input[0] * self.input[1]
    }

    fn outputs(&self) -> usize {
        self.rows * self.output[0] * self.output[1]
    }

    /// `y`: the window's maximum, and `arg`: its place in the window.
    pub fn max<B>(&self, caps: &Capabilities, x: B, y: B, arg: B) -> Launch<B> {
        self.by_row(caps, "max_pool2d_fwd", self.rows * self.output[0], self.output[1]).bind("x", x).bind("y", y).bind("arg", arg)
    }

    /// `dx` of the maximum.
    pub fn max_backward<B>(&self, caps: &Capabilities, arg: B, dy: B, dx: B) -> Launch<B> {
        self.by_row(caps, "max_pool2d_bwd", self.rows * self.input[0], self.input[1]).bind("arg_saved", arg).bind("dy", dy).bind("dx", dx)
    }

    /// `y`: the window's average.
    pub fn avg<B>(&self, caps: &Capabilities, x: B, y: B) -> Launch<B> {
        stream(caps, self.launch("avg_pool2d_fwd", false), self.outputs()).bind("x", x).bind("y", y)
    }

    /// `dx` of the average.
    pub fn avg_backward<B>(&self, caps: &Capabilities, dy: B, dx: B) -> Launch<B> {
        stream(caps, self.launch("avg_pool2d_bwd", false), self.inputs()).bind("dy_in", dy).bind("dx_avg", dx)
    }
}
