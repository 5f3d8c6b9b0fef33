// Scale per image and channel, and its VJP. (rows = B·C, inner = H·W)
//   y[r,i]  = s[r] · x[r,i]
//   dx[r,i] = s[r] · dy[r,i]         (the forward kernel again)
//   ds[r]   = Σ_i x[r,i] · dy[r,i]
// and with what follows it:
//   add     y[r,i] = s[r] · x[r,i] + a[r,i], optionally its positive part (a NaN stays one)
//   add_row y[r,i] = s[r] · x[r,i] + factor · t[r]
// Grid: one thread or one workgroup per row, folded.

//#include <common/grid.wgsl>
//#include <common/vec${VEC}.wgsl>
//#include <common/reduce.wgsl>
//#include <common/rows.wgsl>

const VEC: u32 = 1u; //#tunable  floats per access

// `inner` counts accesses.
struct Params { rows: u32, inner: u32, relu: u32, factor: f32, row_per_thread: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:  array<Stored>; // (rows, inner)
@group(0) @binding(2) var<storage, read>       s:  array<f32>;    // (rows)
@group(0) @binding(3) var<storage, read_write> y:  array<Stored>; // (rows, inner)  overwritten

@compute @workgroup_size(WG)
fn channel_scale_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let at = row_of(flat_group(g, n), lane, p.row_per_thread);
    if at.row >= p.rows { return; }
    let scale = s[at.row];
    let base = at.row * p.inner;
    //#stream i in at.first..p.inner by at.step
    let x_${i} = load(x[base + ${i}]);
    //#then
    y[base + ${i}] = store(scale * x_${i});
    //#end
}

@group(0) @binding(3) var<storage, read>       a:   array<Stored>; // (rows, inner)
@group(0) @binding(3) var<storage, read>       t:   array<f32>;    // (rows)
@group(0) @binding(4) var<storage, read_write> sum: array<Stored>; // (rows, inner)  overwritten

@compute @workgroup_size(WG)
fn channel_scale_add(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let at = row_of(flat_group(g, n), lane, p.row_per_thread);
    if at.row >= p.rows { return; }
    let scale = s[at.row];
    let base = at.row * p.inner;
    //#stream i in at.first..p.inner by at.step
    let x_${i} = load(x[base + ${i}]);
    let a_${i} = load(a[base + ${i}]);
    //#then
    let v = scale * x_${i} + a_${i};
    if p.relu != 0u { sum[base + ${i}] = store(rectified(v)); } else { sum[base + ${i}] = store(v); }
    //#end
}

@compute @workgroup_size(WG)
fn channel_scale_add_row(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let at = row_of(flat_group(g, n), lane, p.row_per_thread);
    if at.row >= p.rows { return; }
    let scale = s[at.row];
    let shift = p.factor * t[at.row];
    let base = at.row * p.inner;
    //#stream i in at.first..p.inner by at.step
    let x_${i} = load(x[base + ${i}]);
    //#then
    sum[base + ${i}] = store(scale * x_${i} + shift);
    //#end
}

@group(0) @binding(2) var<storage, read>       dy: array<Stored>; // (rows, inner)
@group(0) @binding(3) var<storage, read_write> ds: array<f32>;    // (rows)  overwritten

@compute @workgroup_size(WG)
fn channel_scale_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let at = row_of(flat_group(g, n), lane, p.row_per_thread);
    let inside = at.row < p.rows;
    let base = min(at.row, p.rows - 1u) * p.inner;
    var products = Value();
    let end = select(0u, p.inner, inside);
    //#stream i in at.first..end by at.step
    let x_${i} = load(x[base + ${i}]);
    let dy_${i} = load(dy[base + ${i}]);
    //#then
    products += x_${i} * dy_${i};
    //#end
    var whole = total(products);
    if p.row_per_thread == 0u { whole = block_sum(lane, whole); }
    if inside && at.first == 0u { ds[at.row] = whole; }
}
