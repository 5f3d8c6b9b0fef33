// What a convolution does to its sums before it stores them, by p.finish: 0 nothing, 1 + bias, 2 batch norm by running statistics, 3 batch
// norm and ReLU. The includer declares p.finish, p.eps and, per output channel, bias, scale, mean and spread (any buffer where unused).
//#include <common/rectified.wgsl>
struct Finish { mean: f32, rstd: f32, scale: f32, shift: f32 }
fn finish_of(channel: u32) -> Finish {
    if p.finish == 0u { return Finish(0.0, 1.0, 1.0, 0.0); }
    if p.finish == 1u { return Finish(0.0, 1.0, 1.0, bias[channel]); }
    return Finish(mean[channel], 1.0 / sqrt(spread[channel] + p.eps), scale[channel], bias[channel]);
}
fn finished(f: Finish, sum: f32) -> f32 {
    let v = f.scale * ((sum - f.mean) * f.rstd) + f.shift;
    return select(v, rectified(v), p.finish == 3u);
}
