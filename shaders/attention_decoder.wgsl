// One step of a Bahdanau decoder (Bahdanau et al. 2015) over a sequence x of T vectors, which emits distributions and is fed with them, and
// its VJP. Between the kernels of a step the host launches products with the recurrent weights. Columns of `pk`, `rec` and `dgs`, W of them,
// stand for candidate | reset | update | output | key or query, of U, U, U, O and U; those before key or query are G.
//   rec      [y s] times the recurrent weights, with s of the step before and y of it (0 at the first); pk[t] the weights on x[t], and biases
//   attend   e[t] = score · tanh(query + key[t]),  a = softmax over t of e,  rec[..G] += Σ_t a[t] pk[t,..G]: what the weights make of the
//            context Σ_t a[t] x[t], since they are linear
//   emit     r = σ(rec reset), z = σ(rec update), y = softmax(rec output), r·s for the product `rc` with the candidate's weights on it
//   advance  c = tanh(rec candidate + rc),  s = (1 − z) s + z c
// Backward, from the last step to the first; dvs is the gradient of [y s] by way of the products of the step after, ds the rest of that of s:
//   back_emit    d = ds + dvs.s:  dc = d z (1 − c²), dz = d (c − s) z (1 − z), ds = d (1 − z);  d = dy + dvs.y:  do = y (d − Σ y d)
//   back_attend  with drs = W_csᵀ dc:  dr = drs s r (1 − r), ds += drs r;  da[t] = dgs[..G] · pk[t,..G],  de = a (da − Σ_t a da)
//   back_query   du[t] = de[t] score (1 − tanh²(query + key[t])):  dquery = Σ_t du[t], dkey[t] += du[t], dscore += Σ_t de[t] tanh
// Grid: one workgroup per clip, folded. LANES invocations share a sum over columns; an invocation takes COLS accesses of a sum over times.

//#include <common/grid.wgsl>
//#include <common/reduce.wgsl>
//#include <common/vec${VEC}.wgsl>
//#include <common/gates.wgsl>

const VEC: u32 = 1u; //#tunable  floats per access
const LANES: u32 = 16u; //#tunable  divides WG
const COLS: u32 = 2u; //#tunable

// `units` and `out` count accesses; `step` is the step, `t` the time of its output, `last` at the step without one after.
struct Params { batch: u32, steps: u32, units: u32, out: u32, step: u32, t: u32, last: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

fn columns() -> u32 { return 3u * p.units + p.out; }
fn width() -> u32 { return 4u * p.units + p.out; }
// Rows of a clip at a step or time.
fn row(clip: u32, t: u32) -> u32 { return clip * p.steps + t; }

// Sum of `v` over the LANES invocations around this one.
fn lanes_sum(lane: u32, v: f32) -> f32 {
    if LANES == 1u { return v; }
    workgroupBarrier();
    scratch[lane] = v;
    workgroupBarrier();
    var s = 0.0;
    for (var i = lane - lane % LANES; i <= lane - lane % LANES + LANES - 1u; i++) { s += scratch[i]; }
    return s;
}

@group(0) @binding(1) var<storage, read>       s_first: array<Stored>; // (B, U)
@group(0) @binding(2) var<storage, read_write> vs:      array<Stored>; // (B, O + U)  overwritten: y, s

@compute @workgroup_size(WG)
fn decoder_start(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let clip = flat_group(g, n);
    if clip >= p.batch { return; }
    let v = clip * (p.out + p.units);
    for (var i = lane; i < p.out; i += WG) { vs[v + i] = store(Value()); }
    for (var i = lane; i < p.units; i += WG) { vs[v + p.out + i] = s_first[clip * p.units + i]; }
}

@group(0) @binding(1) var<storage, read>       pk:     array<Stored>; // (B, T, W)
@group(0) @binding(7) var<storage, read>       score:  array<Stored>; // (U)
@group(0) @binding(4) var<storage, read_write> rec:    array<Stored>; // (B, W)         added to
@group(0) @binding(5) var<storage, read_write> a:      array<f32>;    // (B, T, T)      overwritten at the step
@group(0) @binding(6) var<storage, read_write> v_kept: array<Stored>; // (B, T, O + U)  overwritten at the step

@compute @workgroup_size(WG)
fn decoder_attend(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let clip = flat_group(g, n);
    if clip >= p.batch { return; }
    let v = p.out + p.units;
    for (var i = lane; i < v; i += WG) { v_kept[row(clip, p.step) * v + i] = vs[clip * v + i]; }
    let at = row(clip, p.step) * p.steps;
    let own = clip * width();
    for (var first = 0u; first < p.steps; first += WG / LANES) {
        let t = first + lane / LANES;
        var e = Value();
        let key = row(clip, min(t, p.steps - 1u)) * width() + columns();
        for (var i = lane % LANES; i < p.units; i += LANES) {
            e += load(score[i]) * tanh_of(load(rec[own + columns() + i]) + load(pk[key + i]));
        }
        let sum = lanes_sum(lane, total(e));
        if t < p.steps && lane % LANES == 0u { a[at + t] = sum; }
    }
    storageBarrier();
    var m = -3.4e38;
    for (var t = lane; t < p.steps; t += WG) { m = max(m, a[at + t]); }
    m = block_max(lane, m);
    var s = 0.0;
    for (var t = lane; t < p.steps; t += WG) { s += exp(a[at + t] - m); }
    s = block_sum(lane, s);
    for (var t = lane; t < p.steps; t += WG) { a[at + t] = exp(a[at + t] - m) / s; }
    storageBarrier();
    let last = columns() - 1u;
    for (var first = lane; first <= last; first += COLS * WG) {
        //#unroll i in 0..COLS
        let j${i} = min(first + ${i}u * WG, last);
        var c${i} = Value();
        //#end
        for (var t = 0u; t < p.steps; t++) {
            let w = a[at + t];
            let x = row(clip, t) * width();
            //#unroll i in 0..COLS
            c${i} += w * load(pk[x + j${i}]);
            //#end
        }
        //#unroll i in 0..COLS
        if first + ${i}u * WG <= last { rec[own + j${i}] = store(load(rec[own + j${i}]) + c${i}); }
        //#end
    }
}

@group(0) @binding(1) var<storage, read>       rec_in:   array<Stored>; // (B, W)
@group(0) @binding(3) var<storage, read_write> gates:    array<Stored>; // (B, T, 5U)  overwritten at the step: c, r, z, query, s
@group(0) @binding(4) var<storage, read_write> rs:       array<Stored>; // (B, U)      overwritten
@group(0) @binding(5) var<storage, read_write> rs_kept:  array<Stored>; // (B, T, U)   overwritten at the step
@group(0) @binding(6) var<storage, read_write> y:        array<Stored>; // (B, T, O)   overwritten at the time

@compute @workgroup_size(WG)
fn decoder_emit(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let clip = flat_group(g, n);
    if clip >= p.batch { return; }
    let own = clip * width();
    let v = clip * (p.out + p.units);
    let kept = row(clip, p.step);
    for (var i = lane; i < p.units; i += WG) {
        let r = sigmoid_of(load(rec_in[own + p.units + i]));
        let s = load(vs[v + p.out + i]);
        let at = kept * 5u * p.units + i;
        gates[at + p.units] = store(r);
        gates[at + 2u * p.units] = store(sigmoid_of(load(rec_in[own + 2u * p.units + i])));
        gates[at + 3u * p.units] = rec_in[own + columns() + i];
        gates[at + 4u * p.units] = store(s);
        rs[clip * p.units + i] = store(r * s);
        rs_kept[kept * p.units + i] = store(r * s);
    }
    let o = own + 3u * p.units;
    var m = -3.4e38;
    for (var i = lane; i < p.out; i += WG) { m = max(m, largest(load(rec_in[o + i]))); }
    m = block_max(lane, m);
    var s = 0.0;
    for (var i = lane; i < p.out; i += WG) { s += total(exp(load(rec_in[o + i]) - m)); }
    s = block_sum(lane, s);
    for (var i = lane; i < p.out; i += WG) {
        let w = store(exp(load(rec_in[o + i]) - m) / s);
        vs[v + i] = w;
        y[row(clip, p.t) * p.out + i] = w;
    }
}

@group(0) @binding(4) var<storage, read>       rc: array<Stored>; // (B, U)

@compute @workgroup_size(WG)
fn decoder_advance(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let clip = flat_group(g, n);
    if clip >= p.batch { return; }
    for (var i = lane; i < p.units; i += WG) {
        let at = row(clip, p.step) * 5u * p.units + i;
        let c = tanh_of(load(rec_in[clip * width() + i]) + load(rc[clip * p.units + i]));
        let z = load(gates[at + 2u * p.units]);
        let s = clip * (p.out + p.units) + p.out + i;
        gates[at] = store(c);
        vs[s] = store((1.0 - z) * load(vs[s]) + z * c);
    }
}

@group(0) @binding(1) var<storage, read>       dy:      array<Stored>; // (B, T, O)
@group(0) @binding(2) var<storage, read>       dvs:     array<Stored>; // (B, O + U)
@group(0) @binding(3) var<storage, read>       gates_in: array<Stored>; // (B, T, 5U)
@group(0) @binding(4) var<storage, read>       y_in:    array<Stored>; // (B, T, O)
@group(0) @binding(5) var<storage, read_write> ds:      array<Stored>; // (B, U)     overwritten
@group(0) @binding(6) var<storage, read_write> dgs:     array<Stored>; // (B, W)     overwritten
@group(0) @binding(7) var<storage, read_write> dg_kept: array<Stored>; // (B, T, W)  overwritten at the step after

// Keeps what the step has left in `dgs`.
fn keep(lane: u32, clip: u32, step: u32) {
    for (var i = lane; i < width(); i += WG) { dg_kept[row(clip, step) * width() + i] = dgs[clip * width() + i]; }
}

@compute @workgroup_size(WG)
fn decoder_back_emit(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let clip = flat_group(g, n);
    if clip >= p.batch { return; }
    if p.last == 0u { keep(lane, clip, p.step + 1u); }
    storageBarrier();
    let v = clip * (p.out + p.units);
    let own = clip * width();
    for (var i = lane; i < p.units; i += WG) {
        let at = row(clip, p.step) * 5u * p.units + i;
        let c = load(gates_in[at]);
        let z = load(gates_in[at + 2u * p.units]);
        var d = Value();
        if p.last == 0u { d = load(ds[clip * p.units + i]) + load(dvs[v + p.out + i]); }
        dgs[own + i] = store(d * z * (1.0 - c * c));
        dgs[own + 2u * p.units + i] = store(d * (c - load(gates_in[at + 4u * p.units])) * z * (1.0 - z));
        ds[clip * p.units + i] = store(d * (1.0 - z));
    }
    let out = row(clip, p.t) * p.out;
    var dot = 0.0;
    for (var i = lane; i < p.out; i += WG) {
        var d = load(dy[out + i]);
        if p.last == 0u { d += load(dvs[v + i]); }
        dot += total(load(y_in[out + i]) * d);
    }
    dot = block_sum(lane, dot);
    for (var i = lane; i < p.out; i += WG) {
        var d = load(dy[out + i]);
        if p.last == 0u { d += load(dvs[v + i]); }
        dgs[own + 3u * p.units + i] = store(load(y_in[out + i]) * (d - dot));
    }
}

@group(0) @binding(2) var<storage, read>       drs:  array<Stored>; // (B, U)
@group(0) @binding(4) var<storage, read>       a_in: array<f32>;    // (B, T, T)
@group(0) @binding(7) var<storage, read_write> de:   array<f32>;    // (B, T)     overwritten

@compute @workgroup_size(WG)
fn decoder_back_attend(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let clip = flat_group(g, n);
    if clip >= p.batch { return; }
    let own = clip * width();
    for (var i = lane; i < p.units; i += WG) {
        let at = row(clip, p.step) * 5u * p.units + i;
        let r = load(gates_in[at + p.units]);
        let d = load(drs[clip * p.units + i]);
        dgs[own + p.units + i] = store(d * load(gates_in[at + 4u * p.units]) * r * (1.0 - r));
        ds[clip * p.units + i] = store(load(ds[clip * p.units + i]) + d * r);
    }
    storageBarrier();
    let at = row(clip, p.step) * p.steps;
    var dot = 0.0;
    for (var first = 0u; first < p.steps; first += WG / LANES) {
        let t = first + lane / LANES;
        let x = row(clip, min(t, p.steps - 1u)) * width();
        var d = Value();
        for (var i = lane % LANES; i < columns(); i += LANES) { d += load(dgs[own + i]) * load(pk[x + i]); }
        let da = lanes_sum(lane, total(d));
        if t < p.steps && lane % LANES == 0u {
            de[clip * p.steps + t] = da;
            dot += a_in[at + t] * da;
        }
    }
    dot = block_sum(lane, dot);
    storageBarrier();
    for (var t = lane; t < p.steps; t += WG) { de[clip * p.steps + t] = a_in[at + t] * (de[clip * p.steps + t] - dot); }
}

@group(0) @binding(2) var<storage, read>       de_in:  array<f32>;    // (B, T)
@group(0) @binding(4) var<storage, read_write> dkey:   array<Stored>; // (B, T, U)  added to; overwritten at the last step
@group(0) @binding(5) var<storage, read_write> dscore: array<Stored>; // (B, U)     the same

@compute @workgroup_size(WG)
fn decoder_back_query(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let clip = flat_group(g, n);
    if clip >= p.batch { return; }
    for (var i = lane; i < p.units; i += WG) {
        let query = load(gates_in[row(clip, p.step) * 5u * p.units + 3u * p.units + i]);
        let weight = load(score[i]);
        var of_query = Value();
        var of_score = Value();
        if p.last == 0u { of_score = load(dscore[clip * p.units + i]); }
        for (var t = 0u; t < p.steps; t++) {
            let e = de_in[clip * p.steps + t];
            let h = tanh_of(query + load(pk[row(clip, t) * width() + columns() + i]));
            let d = e * weight * (1.0 - h * h);
            let k = row(clip, t) * p.units + i;
            of_score += e * h;
            of_query += d;
            if p.last == 0u { dkey[k] = store(load(dkey[k]) + d); } else { dkey[k] = store(d); }
        }
        dscore[clip * p.units + i] = store(of_score);
        dgs[clip * width() + columns() + i] = store(of_query);
    }
}

@group(0) @binding(3) var<storage, read_write> ds_first: array<Stored>; // (B, U)  overwritten

@compute @workgroup_size(WG)
fn decoder_back_start(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let clip = flat_group(g, n);
    if clip >= p.batch { return; }
    keep(lane, clip, 0u);
    let v = clip * (p.out + p.units) + p.out;
    for (var i = lane; i < p.units; i += WG) {
        ds_first[clip * p.units + i] = store(load(ds[clip * p.units + i]) + load(dvs[v + i]));
    }
}
