//! Launches of `pool2d.wgsl`.

use super::{by_row, shader};
use crate::gpu::{Capabilities, Launch};

shader!("pool2d", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

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

impl Pool {
    fn launch<B>(&self, entry: &'static str) -> Launch<B> {
        let work = self.outputs() * self.kernel[0] * self.kernel[1];
        Launch::new(&SHADER, entry)
            .set("rows", self.rows)
            .set("h", self.input[0])
            .set("w", self.input[1])
            .set("oh", self.output[0])
            .set("ow", self.output[1])
            .set("kh", self.kernel[0])
            .set("kw", self.kernel[1])
            .set("stride_y", self.stride[0])
            .set("stride_x", self.stride[1])
            .set("pad_y", self.padding[0])
            .set("pad_x", self.padding[1])
            .cost(4 * (self.inputs() + self.outputs()) as u64, work as u64)
    }

    /// Over rows of pixels, `width` each.
    fn by_row<B>(&self, caps: &Capabilities, entry: &'static str, rows: usize, width: usize) -> Launch<B> {
        by_row(caps, self.launch(entry), rows, width)
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
        // Enough planes to keep some cores busy; neighbouring threads of a GPU would access far apart.
        if caps.software && self.rows >= 64 {
            let launch = self.launch("max_pool2d_bwd_plane").tune("WG", 8).invocations(self.rows);
            return launch.set("per_stride", 1.0 / self.kernel[1] as f32).bind("arg_saved", arg).bind("dy", dy).bind("dx_sum", dx);
        }
        let launch = self.by_row(caps, "max_pool2d_bwd", self.rows * self.input[0], self.input[1]);
        launch.set("per_stride", 1.0 / self.stride[1] as f32).bind("arg_saved", arg).bind("dy", dy).bind("dx", dx)
    }

    /// `y`: the window's average.
    pub fn avg<B>(&self, caps: &Capabilities, x: B, y: B) -> Launch<B> {
        let launch = self.by_row(caps, "avg_pool2d_fwd", self.rows * self.output[0], self.output[1]);
        launch.set("count_pad", self.count_pad).bind("x", x).bind("y", y)
    }

    /// `dx` of the average.
    pub fn avg_backward<B>(&self, caps: &Capabilities, dy: B, dx: B) -> Launch<B> {
        let launch = self.by_row(caps, "avg_pool2d_bwd", self.rows * self.input[0], self.input[1]);
        let launch = launch.set("count_pad", self.count_pad).set("per_stride", 1.0 / self.stride[1] as f32);
        launch.bind("dy_in", dy).bind("dx_avg", dx)
    }
}
