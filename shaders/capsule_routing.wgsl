// Routing by agreement from N capsules u to J outputs (Sabour et al. 2017, "Dynamic routing between capsules"), and its VJP.
//   û[b,j,n] = W[j,n] u[b,n]                             predictions
//   c[b,·,n] = softmax over j of a[b,j,n],  a = û[b,j,n]·V[b,j],  V = Σ of the squashed sums v so far (0 at first)
//   s[b,j]   = Σ_n c[b,j,n] û[b,j,n],  v = squash(s)     in slices of n, then over the slices
// The logits of the textbook, b += û·v in each iteration, are û·Σv, so none are kept. Coefficients count as constants in backward, so only
// the last sum carries gradient:
//   dW[j,n,o,i] = Σ_b c[b,j,n] ds[b,j,o] u[b,n,i],   du[b,n,i] = Σ_j c[b,j,n] Σ_o W[j,n,o,i] ds[b,j,o]
// Grid: invocations, workgroups folded into 2-D; combine one workgroup per image and output.

//#include <common/grid.wgsl>
//#include <common/vec${VEC}.wgsl>
//#include <common/reduce.wgsl>

const VEC: u32 = 1u; //#tunable  floats per access

// size: of an output's vector, inner: of a capsule's; whichever runs along the accesses of a kernel counts those.
struct Params { batch: u32, outputs: u32, capsules: u32, size: u32, inner: u32, slices: u32, first: u32, eps: f32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       u:      array<Stored>; // (batch, capsules, inner)
@group(0) @binding(2) var<storage, read>       weight: array<Stored>; // (outputs, capsules, size, inner)
@group(0) @binding(3) var<storage, read_write> said:   array<f32>; // û (batch, outputs, capsules, size)  overwritten

// One invocation per row of the weight, for the whole batch.
@compute @workgroup_size(WG)
fn routing_predict(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n) * WG + lane;
    let rows = p.outputs * p.capsules * p.size;
    if row >= rows { return; }
    let capsule = row / p.size % p.capsules;
    for (var b = 0u; b < p.batch; b++) {
        let start = (b * p.capsules + capsule) * p.inner;
        var sum = Value();
        for (var i = 0u; i < p.inner; i++) { sum += load(weight[row * p.inner + i]) * load(u[start + i]); }
        said[b * rows + row] = total(sum);
    }
}

@group(0) @binding(1) var<storage, read>       said_in: array<Stored>; // û (batch, outputs, capsules, size)
@group(0) @binding(2) var<storage, read>       agreed:  array<Stored>; // V (batch, outputs, size); not read at first
@group(0) @binding(3) var<storage, read_write> share:   array<f32>; // c (batch, outputs, capsules)  overwritten

// One invocation per image and capsule.
@compute @workgroup_size(WG)
fn routing_share(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let e = flat_group(g, n) * WG + lane;
    if e >= p.batch * p.capsules { return; }
    let b = e / p.capsules;
    let at = b * p.outputs * p.capsules + e % p.capsules;
    if p.first != 0u {
        for (var j = 0u; j < p.outputs; j++) { share[at + j * p.capsules] = 1.0 / f32(p.outputs); }
        return;
    }
    var most = -3.4e38;
    for (var j = 0u; j < p.outputs; j++) {
        let start = (at + j * p.capsules) * p.size;
        let to = (b * p.outputs + j) * p.size;
        var sum = Value();
        for (var o = 0u; o < p.size; o++) { sum += load(said_in[start + o]) * load(agreed[to + o]); }
        let a = total(sum);
        share[at + j * p.capsules] = a;
        most = max(most, a);
    }
    var all = 0.0;
    for (var j = 0u; j < p.outputs; j++) {
        let e = exp(share[at + j * p.capsules] - most);
        share[at + j * p.capsules] = e;
        all += e;
    }
    for (var j = 0u; j < p.outputs; j++) { share[at + j * p.capsules] /= all; }
}

@group(0) @binding(2) var<storage, read>       share_in: array<f32>; // c (batch, outputs, capsules)
@group(0) @binding(3) var<storage, read_write> partial:  array<Stored>; // (batch, outputs, slices, size)  overwritten

// One invocation per access of each slice's sum.
@compute @workgroup_size(WG)
fn routing_weigh(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let e = flat_group(g, n) * WG + lane;
    if e >= p.batch * p.outputs * p.slices * p.size { return; }
    let slice = e / p.size % p.slices;
    let row = e / (p.size * p.slices) * p.capsules;
    let each = (p.capsules + p.slices - 1u) / p.slices;
    var sum = Value();
    for (var c = slice * each; c < min((slice + 1u) * each, p.capsules); c++) {
        sum += share_in[row + c] * load(said_in[(row + c) * p.size + e % p.size]);
    }
    partial[e] = store(sum);
}

@group(0) @binding(1) var<storage, read>       partial_in: array<f32>; // (batch, outputs, slices, size)
@group(0) @binding(2) var<storage, read_write> s:          array<f32>; // (batch, outputs, size)  overwritten
@group(0) @binding(3) var<storage, read_write> agreement:  array<f32>; // V (batch, outputs, size)  overwritten at first, then added to

@compute @workgroup_size(WG)
fn routing_combine(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n);
    if row >= p.batch * p.outputs { return; }
    var square = 0.0;
    for (var o = lane; o < p.size; o += WG) {
        var sum = 0.0;
        for (var k = 0u; k < p.slices; k++) { sum += partial_in[(row * p.slices + k) * p.size + o]; }
        s[row * p.size + o] = sum;
        square += sum * sum;
    }
    let q = block_sum(lane, square);
    let factor = q / ((1.0 + q) * (sqrt(q) + p.eps));
    for (var o = lane; o < p.size; o += WG) {
        let at = row * p.size + o;
        if p.first != 0u { agreement[at] = factor * s[at]; } else { agreement[at] += factor * s[at]; }
    }
}

@group(0) @binding(3) var<storage, read>       c:       array<f32>; // (batch, outputs, capsules)
@group(0) @binding(4) var<storage, read>       ds:      array<f32>; // (batch, outputs, size)
@group(0) @binding(5) var<storage, read_write> dweight: array<Stored>; // (outputs, capsules, size, inner)  overwritten

// One invocation per row of the weight.
@compute @workgroup_size(WG)
fn routing_bwd_weight(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let row = flat_group(g, n) * WG + lane;
    if row >= p.outputs * p.capsules * p.size { return; }
    let o = row % p.size;
    let capsule = row / p.size % p.capsules;
    let j = row / (p.size * p.capsules);
    for (var i = 0u; i < p.inner; i++) {
        var sum = Value();
        for (var b = 0u; b < p.batch; b++) {
            let to = b * p.outputs + j;
            sum += c[to * p.capsules + capsule] * ds[to * p.size + o] * load(u[(b * p.capsules + capsule) * p.inner + i]);
        }
        dweight[row * p.inner + i] = store(sum);
    }
}

@group(0) @binding(5) var<storage, read_write> du:      array<Stored>; // (batch, capsules, inner)  overwritten

// One invocation per access of the capsules.
@compute @workgroup_size(WG)
fn routing_bwd_capsules(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let e = flat_group(g, n) * WG + lane;
    if e >= p.batch * p.capsules * p.inner { return; }
    let capsule = e / p.inner % p.capsules;
    let b = e / (p.inner * p.capsules);
    var sum = Value();
    for (var j = 0u; j < p.outputs; j++) {
        let to = b * p.outputs + j;
        let row = (j * p.capsules + capsule) * p.size;
        var part = Value();
        for (var o = 0u; o < p.size; o++) { part += ds[to * p.size + o] * load(weight[(row + o) * p.inner + e % p.inner]); }
        sum += c[to * p.capsules + capsule] * part;
    }
    du[e] = store(sum);
}
