// Activations and their VJPs; `relu`, `sigmoid` and `tanh` keep their output, `gelu` and `ln` their input.
//   relu     y = max(x, 0), a NaN stays one       dx = dy where y > 0
//   sigmoid  y = 1 / (1 + e^−x)                   dx = dy · y (1 − y)
//   tanh     y = tanh x                           dx = dy · (1 − y²)
//   gelu     y = x Φ(x),  Φ(x) = ½ erfc(−x/√2)    dx = dy · (Φ(x) + x φ(x))
//   ln       y = ln max(x, 1e−12), a NaN stays    dx = dy / x where x > 1e−12
// Grid: WG·PER neighbouring elements per workgroup, workgroups folded into 2-D.

//#include <common/grid.wgsl>
//#include <common/vec${VEC}.wgsl>

const WG: u32 = 128u; //#tunable
const PER: u32 = 4u; //#tunable  accesses per invocation
const VEC: u32 = 1u; //#tunable  floats per access

struct Params { n: u32 }
@group(0) @binding(0) var<uniform>             p: Params; // n in accesses

@group(0) @binding(1) var<storage, read>       x: array<Stored>; // (n)
@group(0) @binding(2) var<storage, read_write> y: array<Stored>; // (n)  overwritten

@compute @workgroup_size(WG)
fn relu_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let x_${i} = load(x[${i}]);
    //#then
    y[${i}] = store(rectified(x_${i}));
    //#end
}

@compute @workgroup_size(WG)
fn sigmoid_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let x_${i} = load(x[${i}]);
    //#then
    // The exponent is never positive, so nothing overflows.
    let v = x_${i};
    let e = exp(-abs(v));
    y[${i}] = store(select(e, Value(1.0), v >= Value()) / (1.0 + e));
    //#end
}

@compute @workgroup_size(WG)
fn tanh_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let x_${i} = load(x[${i}]);
    //#then
    // tanh |x| = 1 − 2e/(1 + e) with e = exp(−2|x|); near zero, where that cancels, the odd Taylor polynomial.
    let v = x_${i};
    let a = abs(v);
    let e = exp(-2.0 * a);
    let s = a * a;
    let near = a * (1.0 - s * (1.0 / 3.0 - s * (2.0 / 15.0 - s * (17.0 / 315.0))));
    let t = select((1.0 - e) / (1.0 + e), near, a < Value(0.2));
    y[${i}] = store(select(t, -t, v < Value()));
    //#end
}

// Complementary error function, relative error below 1.2e-7 (Press et al., Numerical Recipes, 2nd ed., erfcc).
fn erfc(v: Value) -> Value {
    let z = abs(v);
    let t = 1.0 / (1.0 + 0.5 * z);
    let r = t * exp(-z * z - 1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806
        + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)))))))));
    return select(r, 2.0 - r, v < Value());
}

@compute @workgroup_size(WG)
fn gelu_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let x_${i} = load(x[${i}]);
    //#then
    let v = x_${i};
    y[${i}] = store(v * 0.5 * erfc(-v * 0.70710678));
    //#end
}

@compute @workgroup_size(WG)
fn ln_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let x_${i} = load(x[${i}]);
    //#then
    let v = x_${i};
    // A driver was seen to make a number of a NaN's logarithm.
    y[${i}] = store(select(log(select(v, Value(1e-12), v < Value(1e-12))), v, not_a_number(v)));
    //#end
}

@group(0) @binding(1) var<storage, read>       saved: array<Stored>; // (n)  y, or x for gelu and ln
@group(0) @binding(2) var<storage, read>       dy:    array<Stored>; // (n)
@group(0) @binding(3) var<storage, read_write> dx:    array<Stored>; // (n)  overwritten

@compute @workgroup_size(WG)
fn relu_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let dy_${i} = load(dy[${i}]);
    let saved_${i} = load(saved[${i}]);
    //#then
    dx[${i}] = store(select(Value(), dy_${i}, saved_${i} > Value()));
    //#end
}

@compute @workgroup_size(WG)
fn sigmoid_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let saved_${i} = load(saved[${i}]);
    let dy_${i} = load(dy[${i}]);
    //#then
    let v = saved_${i};
    dx[${i}] = store(dy_${i} * v * (1.0 - v));
    //#end
}

@compute @workgroup_size(WG)
fn tanh_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let saved_${i} = load(saved[${i}]);
    let dy_${i} = load(dy[${i}]);
    //#then
    let v = saved_${i};
    dx[${i}] = store(dy_${i} * (1.0 - v * v));
    //#end
}

@compute @workgroup_size(WG)
fn gelu_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let saved_${i} = load(saved[${i}]);
    let dy_${i} = load(dy[${i}]);
    //#then
    let v = saved_${i};
    dx[${i}] = store(dy_${i} * (0.5 * erfc(-v * 0.70710678) + v * 0.39894228 * exp(-0.5 * v * v)));
    //#end
}

@compute @workgroup_size(WG)
fn ln_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.n by WG, PER rounds
    let saved_${i} = load(saved[${i}]);
    let dy_${i} = load(dy[${i}]);
    //#then
    let v = saved_${i};
    dx[${i}] = store(select(Value(), dy_${i} / v, v > Value(1e-12)));
    //#end
}
