// Parameters and tile numbering of Winograd's minimal filtering F(4x4, 3x3) (Lavin & Gray 2016, "Fast algorithms for convolutional
// neural networks"): Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A over tiles of 4 x 4 outputs, 36 products where the direct sum has 144.
// Stride 1, padding 1. A thread treats a strip: two tiles side by side, whose values travel as the halves of a vec2. Strips are numbered
// image by image, row by row; `strips` is their number rounded up to a multiple of four.
struct Params {
    n: u32, cin: u32, cout: u32, h: u32,
    w: u32, down: u32, across: u32, strips: u32,
    per_strips: f32, per_image: f32, per_across: f32, epilogue: u32,
    eps: f32, per_pair: f32,
}
@group(0) @binding(0) var<uniform> p: Params;

// Channel, image, tile row and strip column of linear index i over (channels, strips); `image` is `n` or more for padding.
struct Strip { channel: u32, image: u32, row: u32, column: u32 }
fn strip(i: u32) -> Strip {
    let channel = divide(i, p.strips, p.per_strips);
    let s = i - channel * p.strips;
    let each = p.down * p.across;
    let image = divide(s, each, p.per_image);
    let t = s - image * each;
    let row = divide(t, p.across, p.per_across);
    return Strip(channel, image, row, t - row * p.across);
}

struct Six { a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32>, e: vec2<f32>, f: vec2<f32> }
struct Four { a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32> }
