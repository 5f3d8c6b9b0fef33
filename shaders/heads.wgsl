// Attention heads out of and into the width of a sequence, and both VJPs (each is the other's).
//   qkv_split   q, k, v [b,h,t,j] = x[b,t, (part·H + h)·D + j],   part = 0, 1, 2
//   qkv_merge   the inverse
//   heads_split y[b,h,t,j] = x[b,t, h·D + j]
//   heads_merge the inverse
// Grid: one workgroup per token and `per` heads, folded; no division inside the loops.

//#include <common/grid.wgsl>
//#include <common/vec${VEC}.wgsl>

const WG: u32 = 64u; //#tunable
const VEC: u32 = 1u; //#tunable  floats per access

struct Params { tokens: u32, t: u32, heads: u32, d: u32, per: u32 }
@group(0) @binding(0) var<uniform>             p: Params; // tokens: B·T, d in accesses

@group(0) @binding(1) var<storage, read>       x: array<Stored>; // (B, T, 3·H·D)
@group(0) @binding(2) var<storage, read_write> q: array<Stored>; // (B, H, T, D)  overwritten
@group(0) @binding(3) var<storage, read_write> k: array<Stored>; // (B, H, T, D)  overwritten
@group(0) @binding(4) var<storage, read_write> v: array<Stored>; // (B, H, T, D)  overwritten

// First head of a workgroup and its token; the token is past the end where there is nothing to do.
fn place(id: u32) -> vec2<u32> {
    let across = (p.heads + p.per - 1u) / p.per;
    return vec2<u32>(id % across * p.per, id / across);
}

// Element 0 of head `h` of a token among the heads.
fn head(token: u32, h: u32) -> u32 {
    return ((token / p.t * p.heads + h) * p.t + token % p.t) * p.d;
}

@compute @workgroup_size(WG)
fn qkv_split(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let at = place(flat_group(g, n));
    if at.y >= p.tokens { return; }
    let width = p.heads * p.d;
    for (var h = at.x; h < min(at.x + p.per, p.heads); h++) {
        let i = at.y * 3u * width + h * p.d;
        let o = head(at.y, h);
        for (var j = lane; j < p.d; j += WG) {
            q[o + j] = x[i + j];
            k[o + j] = x[i + width + j];
            v[o + j] = x[i + 2u * width + j];
        }
    }
}

@group(0) @binding(1) var<storage, read>       q_in:  array<Stored>; // (B, H, T, D)
@group(0) @binding(2) var<storage, read>       k_in:  array<Stored>; // (B, H, T, D)
@group(0) @binding(3) var<storage, read>       v_in:  array<Stored>; // (B, H, T, D)
@group(0) @binding(4) var<storage, read_write> x_out: array<Stored>; // (B, T, 3·H·D)  overwritten

@compute @workgroup_size(WG)
fn qkv_merge(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let at = place(flat_group(g, n));
    if at.y >= p.tokens { return; }
    let width = p.heads * p.d;
    for (var h = at.x; h < min(at.x + p.per, p.heads); h++) {
        let o = at.y * 3u * width + h * p.d;
        let i = head(at.y, h);
        for (var j = lane; j < p.d; j += WG) {
            x_out[o + j] = q_in[i + j];
            x_out[o + width + j] = k_in[i + j];
            x_out[o + 2u * width + j] = v_in[i + j];
        }
    }
}

@group(0) @binding(2) var<storage, read_write> y: array<Stored>; // (B, H, T, D) split, (B, T, H·D) merged  overwritten

@compute @workgroup_size(WG)
fn heads_split(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let at = place(flat_group(g, n));
    if at.y >= p.tokens { return; }
    for (var h = at.x; h < min(at.x + p.per, p.heads); h++) {
        let i = (at.y * p.heads + h) * p.d;
        let o = head(at.y, h);
        for (var j = lane; j < p.d; j += WG) { y[o + j] = x[i + j]; }
    }
}

@compute @workgroup_size(WG)
fn heads_merge(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let at = place(flat_group(g, n));
    if at.y >= p.tokens { return; }
    for (var h = at.x; h < min(at.x + p.per, p.heads); h++) {
        let o = (at.y * p.heads + h) * p.d;
        let i = head(at.y, h);
        for (var j = lane; j < p.d; j += WG) { y[o + j] = x[i + j]; }
    }
}
