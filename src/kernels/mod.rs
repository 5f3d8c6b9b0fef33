//! One owner per WGSL file: parameters, variants, launch geometry, bytes and flops. No mathematics.

pub mod bce_with_logits;
pub mod channel_scale;
pub mod choices;
pub mod dropout;
pub mod layer_norm;
pub mod permute;
pub mod pool2d;
pub mod slice;

pub mod activation;
pub mod augment;
pub mod batch_norm;
pub mod ceiling;
pub mod clip;
pub mod conv2d;
pub mod conv2d_bwd_input_subgroup;
pub mod conv2d_bwd_weight_subgroup;
pub mod conv2d_fwd_subgroup;
pub mod conv2d_stem;
pub mod conv2d_tile;
pub mod cooperative;
pub mod copy;
pub mod cross_entropy;
pub mod decibel;
pub mod delta;
pub mod focal_bce;
pub mod heads;
pub mod in_place;
pub mod matmul;
pub mod matmul_row;
pub mod matmul_subgroup;
pub mod matmul_tile;
pub mod matmul_wide;
pub mod mel;
pub mod mixup;
pub mod optimiser;
pub mod pointwise;
pub mod pre_emphasis;
pub mod reduce;
pub mod resize;
pub mod row_mean;
pub mod softmax;
pub mod softmax_dropout;
pub mod squeeze_excite;
pub mod stft;
pub mod target;
pub mod winograd;
pub mod winograd_input;
pub mod winograd_output;
pub mod winograd_weight;

pub use target::Target;

use crate::gpu::{Capabilities, Launch, Shader, wgsl::Tunable};

/// A shader with every tunable set it ships with, for validation and the start-up compile.
pub struct Shipped {
    /// The file.
    pub shader: &'static Shader,
    /// Tunable sets; the empty set (defaults) is always included.
    pub tunables: &'static [&'static [Tunable]],
}

/// Every shader of the crate.
pub const SHIPPED: &[Shipped] = &[
    dropout::SHIPPED,
    layer_norm::SHIPPED,
    permute::SHIPPED,
    slice::SHIPPED,
    pool2d::SHIPPED,
    channel_scale::SHIPPED,
    batch_norm::SHIPPED,
    ceiling::SHIPPED,
    activation::SHIPPED,
    clip::SHIPPED,
    conv2d_bwd_input_subgroup::SHIPPED,
    conv2d_bwd_weight_subgroup::SHIPPED,
    conv2d_fwd_subgroup::SHIPPED,
    conv2d_stem::SHIPPED,
    conv2d_tile::SHIPPED,
    bce_with_logits::SHIPPED,
    augment::SHIPPED,
    copy::SHIPPED,
    cross_entropy::SHIPPED,
    focal_bce::SHIPPED,
    heads::SHIPPED,
    in_place::SHIPPED,
    matmul_row::SHIPPED,
    matmul_subgroup::SHIPPED,
    matmul_tile::SHIPPED,
    matmul_wide::SHIPPED,
    optimiser::SHIPPED,
    pointwise::SHIPPED,
    reduce::SHIPPED,
    decibel::SHIPPED,
    delta::SHIPPED,
    mel::SHIPPED,
    mixup::SHIPPED,
    pre_emphasis::SHIPPED,
    row_mean::SHIPPED,
    stft::SHIPPED,
    resize::SHIPPED,
    softmax::SHIPPED,
    softmax_dropout::SHIPPED,
    squeeze_excite::SHIPPED,
    winograd_input::SHIPPED,
    winograd_output::SHIPPED,
    winograd_weight::SHIPPED,
];

/// Declares the shader a kernel file owns: `shaders/<stem>.wgsl` with the tunable sets it ships with.
macro_rules! shader {
    ($stem:literal $(, $set:expr)* $(,)?) => {
        /// The WGSL file this module owns.
        pub static SHADER: $crate::gpu::Shader =
            $crate::gpu::Shader { stem: $stem, source: include_str!(concat!("../../shaders/", $stem, ".wgsl")) };
        /// The file with its tunable sets.
        pub const SHIPPED: $crate::kernels::Shipped = $crate::kernels::Shipped { shader: &SHADER, tunables: &[&[] $(, &$set)*] };
    };
}
pub(crate) use shader;

/// Invocations per workgroup of pointwise kernels; the shader's default.
pub const POINTWISE: u32 = 128;

/// Workgroup size of a reduction over `cols` values: one hardware subgroup on software adapters, where barriers are dear and
/// workgroup memory gains nothing; on GPUs a power of two that the row fills.
pub fn reduction(caps: &Capabilities, cols: usize) -> u32 {
    if caps.software { 8 } else { (cols as u32).next_power_of_two().clamp(32, 256.min(caps.max_workgroup_invocations)) }
}

/// Workgroup size, elements per invocation and number of workgroups of a kernel that streams over `n` elements, with tunables `WG`
/// and `PER`: long runs on software adapters, where a workgroup costs more than its arithmetic; short ones on GPUs, to fill them.
pub fn streaming(caps: &Capabilities, n: usize) -> (u32, u32, u64) {
    // Two lengths only, since each is a pipeline to compile; at least sixteen workgroups where it is the long one.
    let (wg, per) = match caps.software {
        true => (8, if n >= 32_768 { 256 } else { 16 }),
        false => (128, 4),
    };
    (wg, per, (n as u64).div_ceil(u64::from(wg * per)))
}

/// Floats per access of a kernel whose operands consist of runs of these lengths: two where the driver is software and has 64-bit
/// integers, because it spends a dozen instructions per lane on each access, whatever its width; else one.
pub fn lanes(caps: &Capabilities, runs: &[usize]) -> usize {
    if caps.software && caps.int64 && runs.iter().all(|n| n.is_multiple_of(2)) { 2 } else { 1 }
}

/// Sets `launch` to walk `rows` rows of `inner` accesses (see `common/rows.wgsl`) one lane each where `alone`, else one workgroup each.
pub(crate) fn walk<B>(caps: &Capabilities, launch: Launch<B>, rows: usize, inner: usize, lanes: usize) -> Launch<B> {
    let (wg, groups) = match alone(caps, rows) {
        true => (8, rows.div_ceil(8)),
        false => (reduction(caps, inner), rows),
    };
    launch.tune("WG", wg).tune("LANES", lanes as u32).linear(groups as u64)
}

/// Whether each lane walks a row of its own: on software adapters, where there are enough rows for every core.
pub(crate) fn alone(caps: &Capabilities, rows: usize) -> bool {
    caps.software && rows >= 128
}

/// Sets `launch` to stream over `n` elements, `lanes` at a time.
pub(crate) fn stream_lanes<B>(caps: &Capabilities, launch: Launch<B>, n: usize, lanes: usize) -> Launch<B> {
    stream(caps, launch, n / lanes).tune("LANES", lanes as u32)
}

/// Sets `launch` to stream over `n` elements.
pub(crate) fn stream<B>(caps: &Capabilities, launch: Launch<B>, n: usize) -> Launch<B> {
    let (wg, per, groups) = streaming(caps, n);
    launch.tune("WG", wg).tune("PER", per).linear(groups)
}
