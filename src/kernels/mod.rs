//! One owner per WGSL file: parameters, variants, launch geometry, bytes and flops. No mathematics.

pub mod activation;
pub mod attention_decoder;
pub mod augment;
pub mod batch_norm;
pub mod batch_norm_slices;
pub mod bce_with_logits;
pub mod capsule_routing;
pub mod ceiling;
pub mod channel_scale;
pub mod clip;
pub mod conv2d;
pub mod conv2d_bwd_input_subgroup;
pub mod conv2d_bwd_weight_subgroup;
pub mod conv2d_fwd_subgroup;
pub mod conv2d_geometry;
pub mod conv2d_panel;
pub mod conv2d_stem;
pub mod conv2d_tile;
pub mod cooperative;
pub mod copy;
pub mod cross_entropy;
pub mod decibel;
pub mod delta;
pub mod dft;
pub mod dropout;
pub mod focal_bce;
pub mod heads;
pub mod in_place;
pub mod kl_distillation;
pub mod layer_norm;
pub mod lens;
pub mod lrn;
pub mod lstm;
pub mod margin;
pub mod masked_softmax;
pub mod matmul;
pub mod matmul_panel;
pub mod matmul_row;
pub mod matmul_subgroup;
pub mod matmul_tile;
pub mod matmul_wide;
pub mod mel;
pub mod mixup;
pub mod moments;
pub mod optimiser;
pub mod panel;
pub mod permute;
pub mod pointwise;
pub mod pool2d;
pub mod pre_emphasis;
pub mod problem;
pub mod product;
pub mod rbf;
pub mod reduce;
pub mod resize;
pub mod row_mean;
pub mod short_term;
pub mod slice;
pub mod softmax;
pub mod softmax_dropout;
pub mod squared_hinge;
pub mod squash;
pub mod squeeze_excite;
pub mod stft;
pub mod target;
pub mod time_mask;
pub mod time_pool;
pub mod tuned;
pub mod votes;
pub mod winograd;
pub mod winograd_input;
pub mod winograd_output;
pub mod winograd_tiling;
pub mod winograd_weight;

pub use problem::Problem;
pub use target::{Target, TunedCache};

use crate::gpu::{Capabilities, Launch, Shader, wgsl::Tunable};

/// A shader with every tunable set it ships with, for validation.
pub struct Shipped {
    /// The file.
    pub shader: &'static Shader,
    /// Tunable sets; the empty set (defaults) is always included.
    pub tunables: &'static [&'static [Tunable]],
}

// `SHIPPED`: every shader of the crate, made from what lies under `shaders` by `build.rs`.
include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// Declares the shader a kernel file owns: `shaders/<stem>.wgsl` with the tunable sets it ships with.
macro_rules! shader {
    ($stem:literal $(, $set:expr)* $(,)?) => {
        /// The WGSL file this module owns.
        pub static SHADER: $crate::gpu::Shader =
            $crate::gpu::Shader::examined($stem, include_str!(concat!("../../shaders/", $stem, ".wgsl")));
        /// The file with its tunable sets.
        pub const SHIPPED: $crate::kernels::Shipped = $crate::kernels::Shipped { shader: &SHADER, tunables: &[&[] $(, &$set)*] };
    };
}
pub(crate) use shader;

/// Workgroup size of a reduction over `cols` values: one hardware subgroup on software adapters, where barriers are dear and
/// workgroup memory gains nothing; on GPUs a power of two that the row fills.
pub fn reduce_workgroup(caps: &Capabilities, cols: usize) -> u32 {
    if caps.software { 8 } else { (cols as u32).next_power_of_two().clamp(32, 256.min(caps.max_workgroup_invocations)) }
}

/// Workgroup size of a `//#stream` over `n` values: as [`reduce_workgroup`], but on GPUs four values per invocation, whose loads are in flight
/// together.
pub(crate) fn stream_workgroup(caps: &Capabilities, n: usize) -> u32 {
    reduce_workgroup(caps, n.div_ceil(4))
}

/// Floats per access of a kernel whose operands consist of runs of these lengths: two where the driver is software and has 64-bit
/// integers, because it spends a dozen instructions per invocation on each access, whatever its width; else one.
pub fn vector_width(caps: &Capabilities, runs: &[usize]) -> usize {
    if caps.software && caps.int64 && runs.iter().all(|n| n.is_multiple_of(2)) { 2 } else { 1 }
}

/// Sets `launch` to go over `rows` rows of `inner` accesses each, or a quarter for a `//#stream` (see `common/rows.wgsl`): one invocation a
/// row on software adapters where there are enough rows for every core, else one workgroup.
pub(crate) fn by_row<B>(caps: &Capabilities, launch: Launch<B>, rows: usize, inner: usize) -> Launch<B> {
    let row_per_thread = caps.software && rows >= 128;
    match row_per_thread {
        true => launch.tune("WG", 8).invocations(rows),
        false => launch.tune("WG", reduce_workgroup(caps, inner)).linear(rows as u64),
    }
    .set("row_per_thread", row_per_thread)
}

/// Sets `launch` to stream over `n` elements, `vec` at a time.
pub(crate) fn stream_vec<B>(caps: &Capabilities, launch: Launch<B>, n: usize, vec: usize) -> Launch<B> {
    stream(caps, launch.tune("VEC", vec as u32), n / vec)
}

/// Sets `launch` to stream over `n` elements: in long runs on software adapters, where a workgroup costs more than its arithmetic; in short
/// ones on GPUs, to fill them.
pub(crate) fn stream<B>(caps: &Capabilities, launch: Launch<B>, n: usize) -> Launch<B> {
    // Two lengths only, since each is a pipeline to compile; at least sixteen workgroups where it is the long one, 256 on GPUs.
    let (wg, per) = match caps.software {
        true => (8, if n >= 32_768 { 256 } else { 16 }),
        false => (128, if n >= 262_144 { 8 } else { 4 }),
    };
    launch.tune("WG", wg).tune("PER", per as u32).invocations(n.div_ceil(per))
}
