// Sums of batch normalisation over (n, c, inner) for GPUs, which few channels alone would leave idle: slices of each channel's values, then
// the slices in order. Equations and pieces: batch_norm.wgsl.
//   stats  of each slice of N_s values its mean μ_s and S_s = Σ (x − μ_s)², then
//          μ = Σ N_s μ_s / N,  var = Σ (S_s + N_s (μ_s − μ)²) / N        (Chan et al. 1979): exact where mean ≫ standard deviation
//   sums   dβ = Σ g,  dγ = σ⁻¹ Σ g (x − μ),  g = dy (where y > 0, after ReLU)
// Grid: the parts one workgroup per slice and channel, the joins one invocation per channel; folded.

//#include <common/grid.wgsl>
//#include <common/reduce.wgsl>
//#include <common/divide.wgsl>

// Slices of `span` of the n·inner values, fewer than 2^23; `per_inner` is 1 / inner.
struct Params {
    n: u32, c: u32, inner: u32, relu: u32,
    eps: f32, train: u32, count: f32, stored: u32,
    whole: u32, first: u32, slices: u32, span: u32,
    per_inner: f32,
}
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:            array<f32>; // (n, stored, inner), c of them
@group(0) @binding(2) var<storage, read_write> part_mean:    array<f32>; // (slices, c)  overwritten
@group(0) @binding(3) var<storage, read_write> part_squares: array<f32>; // (slices, c)  overwritten

// Where value e of channel c lies in x, and in y and dy.
fn in_x(e: u32, c: u32) -> u32 { return e + (divide(e, p.inner, p.per_inner) * (p.stored - 1u) + c) * p.inner; }
fn in_y(e: u32, c: u32) -> u32 { return e + (divide(e, p.inner, p.per_inner) * (p.whole - 1u) + p.first + c) * p.inner; }

// Values of a slice.
fn size(slice: u32) -> u32 { return min(p.n * p.inner - slice * p.span, p.span); }

@compute @workgroup_size(WG)
fn batch_norm_stats_part(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let id = flat_group(g, groups);
    if id >= p.slices * p.c { return; }
    let slice = id / p.c;
    let c = id % p.c;
    let begin = slice * p.span + lane;
    let end = slice * p.span + size(slice);
    var s = 0.0;
    //#stream e in begin..end by WG
    let x_${e} = x[in_x(${e}, c)];
    //#then
    s += x_${e};
    //#end
    let m = block_sum(lane, s) / f32(size(slice));
    var q = 0.0;
    //#stream e in begin..end by WG
    let x_${e} = x[in_x(${e}, c)];
    //#then
    let d = x_${e} - m;
    q += d * d;
    //#end
    q = block_sum(lane, q);
    if lane == 0u {
        part_mean[id] = m;
        part_squares[id] = q;
    }
}

@group(0) @binding(1) var<storage, read>       part_mean_in:    array<f32>; // (slices, c)
@group(0) @binding(2) var<storage, read>       part_squares_in: array<f32>; // (slices, c)
@group(0) @binding(3) var<storage, read_write> mean:            array<f32>; // (whole)  the piece overwritten
@group(0) @binding(4) var<storage, read_write> rstd:            array<f32>; // (whole)  the piece overwritten

@compute @workgroup_size(WG)
fn batch_norm_stats_join(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let c = flat_group(g, groups) * WG + lane;
    if c >= p.c { return; }
    // Around the first slice's mean, so that nothing cancels.
    let about = part_mean_in[c];
    var s = 0.0;
    //#stream slice in 0u..p.slices by 1u
    let mean_${slice} = part_mean_in[${slice} * p.c + c];
    //#then
    s += f32(size(${slice})) * (mean_${slice} - about);
    //#end
    let m = about + s / p.count;
    var q = 0.0;
    //#stream slice in 0u..p.slices by 1u
    let mean_${slice} = part_mean_in[${slice} * p.c + c];
    let squares_${slice} = part_squares_in[${slice} * p.c + c];
    //#then
    let d = mean_${slice} - m;
    q += squares_${slice} + f32(size(${slice})) * d * d;
    //#end
    mean[p.first + c] = m;
    rstd[p.first + c] = 1.0 / sqrt(q / p.count + p.eps);
}

@group(0) @binding(2) var<storage, read>       y_saved: array<f32>; // (n, whole, inner); read after ReLU only
@group(0) @binding(3) var<storage, read>       mean_s:  array<f32>; // (whole)
@group(0) @binding(4) var<storage, read>       dy:      array<f32>; // (n, whole, inner)
@group(0) @binding(5) var<storage, read_write> part_sum:     array<f32>; // (slices, c)  overwritten
@group(0) @binding(6) var<storage, read_write> part_product: array<f32>; // (slices, c)  overwritten

@compute @workgroup_size(WG)
fn batch_norm_sums_part(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let id = flat_group(g, groups);
    if id >= p.slices * p.c { return; }
    let slice = id / p.c;
    let c = id % p.c;
    let begin = slice * p.span + lane;
    let end = slice * p.span + size(slice);
    let m = mean_s[p.first + c];
    var sum = 0.0;
    var product = 0.0;
    //#stream e in begin..end by WG
    let x_${e} = x[in_x(${e}, c)];
    let dy_${e} = dy[in_y(${e}, c)];
    var y_${e} = 1.0;
    if p.relu != 0u { y_${e} = y_saved[in_y(${e}, c)]; }
    //#then
    let d = select(0.0, dy_${e}, y_${e} > 0.0);
    sum += d;
    product += d * (x_${e} - m);
    //#end
    sum = block_sum(lane, sum);
    product = block_sum(lane, product);
    if lane == 0u {
        part_sum[id] = sum;
        part_product[id] = product;
    }
}

@group(0) @binding(1) var<storage, read>       part_sum_in:     array<f32>; // (slices, c)
@group(0) @binding(2) var<storage, read>       part_product_in: array<f32>; // (slices, c)
@group(0) @binding(3) var<storage, read>       rstd_or_var_s:   array<f32>; // (whole)  1/√(var + ε) (train) or the variance (eval)
@group(0) @binding(4) var<storage, read_write> dweight:         array<f32>; // (whole)  the piece overwritten
@group(0) @binding(5) var<storage, read_write> dbias:           array<f32>; // (whole)  the piece overwritten

@compute @workgroup_size(WG)
fn batch_norm_sums_join(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let c = flat_group(g, groups) * WG + lane;
    if c >= p.c { return; }
    var r = rstd_or_var_s[p.first + c];
    if p.train == 0u { r = 1.0 / sqrt(r + p.eps); }
    var sum = 0.0;
    var product = 0.0;
    //#stream slice in 0u..p.slices by 1u
    let sum_${slice} = part_sum_in[${slice} * p.c + c];
    let product_${slice} = part_product_in[${slice} * p.c + c];
    //#then
    sum += sum_${slice};
    product += product_${slice};
    //#end
    dbias[p.first + c] = sum;
    dweight[p.first + c] = product * r;
}
