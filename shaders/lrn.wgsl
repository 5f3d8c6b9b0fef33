// Local response normalisation across channels (Krizhevsky et al. 2012), and its VJP. The window of channel c is c − before … c + after.
//   d[c] = k + α Σ_window x²,   y[c] = x[c] · d[c]^−β        (α is divided by the window's size, as in PyTorch)
//   dx[c] = dy[c] · d[c]^−β − 2 α β x[c] Σ_{c' whose window holds c} dy[c'] y[c']/d[c']
// Grid: one thread or one workgroup per image and channel, folded.

//#include <common/grid.wgsl>
//#include <common/vec${VEC}.wgsl>
//#include <common/rows.wgsl>

const WG: u32 = 128u; //#tunable
const VEC: u32 = 1u; //#tunable  floats per access

// `inner` counts accesses.
struct Params { n: u32, c: u32, inner: u32, before: u32, after: u32, alpha: f32, beta: f32, k: f32, row_per_thread: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       x:     array<Stored>; // (n, c, inner)
@group(0) @binding(2) var<storage, read_write> y:     array<Stored>; // (n, c, inner)  overwritten
@group(0) @binding(3) var<storage, read_write> d:     array<Stored>; // (n, c, inner)  overwritten

// d^−β; by roots for the β that everybody uses.
fn power(d: Value) -> Value {
    if p.beta == 0.75 { let root = sqrt(d); return Value(1.0) / (root * sqrt(root)); }
    return pow(d, Value(-p.beta));
}

@compute @workgroup_size(WG)
fn lrn_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = row_of(flat_group(g, groups), lane, p.row_per_thread);
    if at.row >= p.n * p.c { return; }
    let c = at.row % p.c;
    let low = (at.row - min(c, p.before)) * p.inner;
    let high = (at.row + min(p.c - 1u - c, p.after)) * p.inner;
    for (var i = at.first; i < p.inner; i += at.step) {
        var q = Value();
        for (var e = low; e <= high; e += p.inner) { let v = load(x[e + i]); q += v * v; }
        let scale = p.k + p.alpha * q;
        let e = at.row * p.inner + i;
        d[e] = store(scale);
        y[e] = store(load(x[e]) * power(scale));
    }
}

@group(0) @binding(2) var<storage, read>       y_saved: array<Stored>; // (n, c, inner)
@group(0) @binding(3) var<storage, read>       d_saved: array<Stored>; // (n, c, inner)
@group(0) @binding(4) var<storage, read>       dy:      array<Stored>; // (n, c, inner)
@group(0) @binding(5) var<storage, read_write> dx:      array<Stored>; // (n, c, inner)  overwritten

@compute @workgroup_size(WG)
fn lrn_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let at = row_of(flat_group(g, groups), lane, p.row_per_thread);
    if at.row >= p.n * p.c { return; }
    let c = at.row % p.c;
    let low = (at.row - min(c, p.after)) * p.inner;
    let high = (at.row + min(p.c - 1u - c, p.before)) * p.inner;
    for (var i = at.first; i < p.inner; i += at.step) {
        var sum = Value();
        for (var e = low; e <= high; e += p.inner) { sum += load(dy[e + i]) * load(y_saved[e + i]) / load(d_saved[e + i]); }
        let e = at.row * p.inner + i;
        dx[e] = store(load(dy[e]) * power(load(d_saved[e])) - 2.0 * p.alpha * p.beta * load(x[e]) * sum);
    }
}
