// Reorders the axes of a tensor of up to four dimensions (leading ones are 1).
//   y[i0,i1,i2,i3] = x[Σ_d i_d · stride_d],   stride_d = stride in x of the axis that became axis d
// Its VJP is the inverse permutation. Grid: WG·PER neighbouring elements per workgroup, folded.

//#include <common/grid.wgsl>

const WG: u32 = 128u; //#tunable
const PER: u32 = 4u; //#tunable  elements per invocation

struct Params { shape: vec4<u32>, stride: vec4<u32> }
@group(0) @binding(0) var<uniform>             p: Params; // shape of y, strides into x

@group(0) @binding(1) var<storage, read>       x: array<f32>; // any order
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // (shape)  overwritten

// Where element i of y lies in x.
fn place(i: u32) -> u32 {
    let c = i % p.shape.w; let r2 = i / p.shape.w;
    let b = r2 % p.shape.z; let r1 = r2 / p.shape.z;
    return r1 / p.shape.y * p.stride.x + r1 % p.shape.y * p.stride.y + b * p.stride.z + c * p.stride.w;
}

@compute @workgroup_size(WG)
fn permute(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let first = flat_group(g, n) * WG * PER + lane;
    //#stream i in first..p.shape.x * p.shape.y * p.shape.z * p.shape.w by WG, PER rounds
    let x_${i} = x[place(${i})];
    //#then
    y[${i}] = x_${i};
    //#end
}
