// Parameters of a 2-D convolution. Channels are counted per group; y and x are the axes of height and width.
struct Params {
    n: u32, groups: u32, cin: u32, cout: u32,
    h: u32, w: u32, oh: u32, ow: u32,
    kh: u32, kw: u32, stride_y: u32, stride_x: u32,
    pad_y: u32, pad_x: u32, dil_y: u32, dil_x: u32,
    epilogue: u32, slices: u32, eps: f32,
}
@group(0) @binding(0) var<uniform> p: Params;
