// What a convolution does to its sums before it stores them, by p.epilogue: 0 nothing, 1 + bias, 2 batch norm by running statistics, 3 batch
// norm and ReLU. The includer declares p.epilogue, p.eps and, per output channel, bias, scale, mean and variance (any buffer where unused).
//#include <common/rectified.wgsl>
struct Epilogue { mean: f32, rstd: f32, scale: f32, shift: f32 }
fn epilogue_of(channel: u32) -> Epilogue {
    if p.epilogue == 0u { return Epilogue(0.0, 1.0, 1.0, 0.0); }
    if p.epilogue == 1u { return Epilogue(0.0, 1.0, 1.0, bias[channel]); }
    return Epilogue(mean[channel], 1.0 / sqrt(variance[channel] + p.eps), scale[channel], bias[channel]);
}
fn epilogue(f: Epilogue, sum: f32) -> f32 {
    let v = f.scale * ((sum - f.mean) * f.rstd) + f.shift;
    return select(v, rectified(v), p.epilogue == 3u);
}
