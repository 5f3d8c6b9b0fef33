// Parameter updates in place, PyTorch's rules, on one flat region of parameters with its gradients and moments. Elements whose
// gradient and state are 0 (the gaps between tensors) stay 0.
// scalars = (lr η, weight decay λ, β1 or momentum μ, β2 or α, ε, 1 − β1^t, 1 − β2^t, 1 − β2 or 1 − α)
//   adamw    w ← (1 − ηλ)·w,  m ← m + (1 − β1)(g − m),  v ← β2·v + (1 − β2)·g²,  w ← w − η/(1 − β1^t) · m / (√(v/(1 − β2^t)) + ε)
//   sgd      g ← g + λw,      m ← μ·m + g,                                       w ← w − η·m
//   rmsprop  g ← g + λw,      v ← α·v + (1 − α)·g²,  m ← μ·m + g/(√v + ε),       w ← w − η·m
// The `_clipped` entries use g·clip[0] for g and change nothing when clip[0] is not finite: one bad batch must not destroy the weights.
// Grid: each workgroup takes WG·PER neighbouring accesses, workgroups folded into 2-D.

//#include <common/bits.wgsl>
//#include <common/grid.wgsl>
//#include <common/vec${VEC}.wgsl>

const WG: u32 = 128u; //#tunable
const PER: u32 = 4u; //#tunable  accesses per invocation
const VEC: u32 = 1u; //#tunable  floats per access

struct Params { n: u32 }
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read_write> param: array<Stored>; // (n), n in accesses  updated
@group(0) @binding(2) var<storage, read>       grad:  array<Stored>; // (n)
@group(0) @binding(3) var<storage, read_write> m:     array<Stored>; // (n)  updated
@group(0) @binding(4) var<storage, read_write> v:     array<Stored>; // (n)  updated
@group(0) @binding(5) var<storage, read>       scalars: array<f32>; // (8)
@group(0) @binding(6) var<storage, read>       clip:  array<f32>; // (1)

fn adamw_range(first: u32, s: f32) {
    let keep = 1.0 - scalars[0] * scalars[1];
    let step = scalars[0] / scalars[5];
    let root = inverseSqrt(scalars[6]);
    let one_minus_beta1 = 1.0 - scalars[2];
    let beta2 = scalars[3];
    let eps = scalars[4];
    let one_minus_beta2 = scalars[7];
    //#stream i in first..p.n by WG, PER rounds
    let grad_${i} = load(grad[${i}]);
    let m_${i} = load(m[${i}]);
    let v_${i} = load(v[${i}]);
    let param_${i} = load(param[${i}]);
    //#then
    let g = s * grad_${i};
    let m0 = m_${i};
    let mi = m0 + one_minus_beta1 * (g - m0);
    let vi = beta2 * v_${i} + one_minus_beta2 * g * g;
    m[${i}] = store(mi);
    v[${i}] = store(vi);
    param[${i}] = store(keep * param_${i} - step * mi / (sqrt(vi) * root + eps));
    //#end
}

fn sgd_range(first: u32, s: f32) {
    let lr = scalars[0];
    let decay = scalars[1];
    let momentum = scalars[2];
    //#stream i in first..p.n by WG, PER rounds
    let param_${i} = load(param[${i}]);
    let m_${i} = load(m[${i}]);
    let grad_${i} = load(grad[${i}]);
    //#then
    let w = param_${i};
    let mi = momentum * m_${i} + (s * grad_${i} + decay * w);
    m[${i}] = store(mi);
    param[${i}] = store(w - lr * mi);
    //#end
}

fn rmsprop_range(first: u32, s: f32) {
    let lr = scalars[0];
    let decay = scalars[1];
    let momentum = scalars[2];
    let alpha = scalars[3];
    let eps = scalars[4];
    let one_minus_alpha = scalars[7];
    //#stream i in first..p.n by WG, PER rounds
    let param_${i} = load(param[${i}]);
    let grad_${i} = load(grad[${i}]);
    let v_${i} = load(v[${i}]);
    let m_${i} = load(m[${i}]);
    //#then
    let w = param_${i};
    let g = s * grad_${i} + decay * w;
    let vi = alpha * v_${i} + one_minus_alpha * g * g;
    let mi = momentum * m_${i} + g / (sqrt(vi) + eps);
    v[${i}] = store(vi);
    m[${i}] = store(mi);
    param[${i}] = store(w - lr * mi);
    //#end
}

@compute @workgroup_size(WG)
fn adamw(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    adamw_range(flat_group(g, n) * WG * PER + lane, 1.0);
}

@compute @workgroup_size(WG)
fn adamw_clipped(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let s = clip[0];
    if finite(s) { adamw_range(flat_group(g, n) * WG * PER + lane, s); }
}

@compute @workgroup_size(WG)
fn sgd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    sgd_range(flat_group(g, n) * WG * PER + lane, 1.0);
}

@compute @workgroup_size(WG)
fn sgd_clipped(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let s = clip[0];
    if finite(s) { sgd_range(flat_group(g, n) * WG * PER + lane, s); }
}

@compute @workgroup_size(WG)
fn rmsprop(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    rmsprop_range(flat_group(g, n) * WG * PER + lane, 1.0);
}

@compute @workgroup_size(WG)
fn rmsprop_clipped(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let s = clip[0];
    if finite(s) { rmsprop_range(flat_group(g, n) * WG * PER + lane, s); }
}
