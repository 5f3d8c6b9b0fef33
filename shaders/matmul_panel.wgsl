// Batched matrix product for GPUs: blocks of sums in registers, panels of the operands in workgroup memory (common/panel.wgsl).
//   c[z,m,n]      = α · Σ_k a[z,m,k] · b[z,k,n]  (+ bias[n]), optionally its positive part
//   part[s,z,m,n] = Σ_{k in slice s} a[z,m,k] · b[z,k,n]; matmul_row_sum adds the slices in order. For products of few blocks.
// Grid: one workgroup per (slice, batch, block of rows, block of columns), column blocks fastest, folded.

//#include <common/sums${COOP}.wgsl>
//#include <common/panel.wgsl>
//#include <common/grid.wgsl>
//#include <common/rectified.wgsl>

const COOP: u32 = 0u; //#tunable  side of cooperative matrices, which round operands to half precision; 0 without

struct Params {
    m: u32, n: u32, k: u32, flags: u32,
    a_batch: u32, a_row: u32, a_k: u32, b_batch: u32,
    b_k: u32, b_col: u32, alpha: f32, batch: u32,
    slices: u32, span: u32,
}
@group(0) @binding(0) var<uniform>             p: Params;

@group(0) @binding(1) var<storage, read>       a:    array<f32>; // (batch, m, k) by strides
@group(0) @binding(2) var<storage, read>       b:    array<f32>; // (batch, k, n) by strides
@group(0) @binding(3) var<storage, read>       bias: array<f32>; // (n); any buffer without bit 0 of flags
@group(0) @binding(4) var<storage, read_write> c:    array<f32>; // (batch, m, n), or part: (slices, batch, m, n)  overwritten

// Where the four elements of each vector lie at the first term of the sum.
//#unroll q in 0..FILL_A
var<private> at_a_${q}: vec4<u32>;
//#end
//#unroll q in 0..FILL_B
var<private> at_b_${q}: vec4<u32>;
//#end

// Loads the step that begins at term k and is whole.
fn load(k: u32) {
    let ka = k * p.a_k;
    let kb = k * p.b_k;
    //#unroll q in 0..FILL_A
    next_a_${q} = vec4<f32>(a[at_a_${q}.x + ka], a[at_a_${q}.y + ka], a[at_a_${q}.z + ka], a[at_a_${q}.w + ka]);
    //#end
    //#unroll q in 0..FILL_B
    next_b_${q} = vec4<f32>(b[at_b_${q}.x + kb], b[at_b_${q}.y + kb], b[at_b_${q}.z + kb], b[at_b_${q}.w + kb]);
    //#end
}

// The same with zeros from term `end` on.
fn load_until(end: u32, k: u32) {
    let ka = k * p.a_k;
    let kb = k * p.b_k;
    //#unroll q in 0..FILL_A
    let inside_a${q} = k + place_a_${q}.term < end;
    let a${q} = select(vec4<u32>(), at_a_${q} + ka, inside_a${q});
    next_a_${q} = select(vec4<f32>(), vec4<f32>(a[a${q}.x], a[a${q}.y], a[a${q}.z], a[a${q}.w]), inside_a${q});
    //#end
    //#unroll q in 0..FILL_B
    let inside_b${q} = k + place_b_${q}.term < end;
    let b${q} = select(vec4<u32>(), at_b_${q} + kb, inside_b${q});
    next_b_${q} = select(vec4<f32>(), vec4<f32>(b[b${q}.x], b[b${q}.y], b[b${q}.z], b[b${q}.w]), inside_b${q});
    //#end
}

@compute @workgroup_size(LX, LY)
fn matmul_panel(
    @builtin(local_invocation_id) l: vec3<u32>, @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
) {
    let id = flat_group(g, groups);
    let across = (p.n + TN - 1u) / TN;
    let down = (p.m + TM - 1u) / TM;
    let sz = id / across / down; // slice and batch
    if sz >= p.slices * p.batch { return; }
    let z = sz % p.batch;
    let row0 = id / across % down * TM;
    let col0 = id % across * TN;
    let begin = sz / p.batch * p.span;
    let end = min(p.k, begin + p.span);
    // Beyond the operands stand their last row and column once more; those sums are not stored.
    let four = vec4<u32>(0u, 1u, 2u, 3u);
    //#unroll q in 0..FILL_A
    place_a_${q} = place(lane + ${q}u * LANES, A4, p.a_k == 1u);
    at_a_${q} = z * p.a_batch + min(row0 + 4u * place_a_${q}.four + four, vec4<u32>(p.m - 1u)) * p.a_row + place_a_${q}.term * p.a_k;
    //#end
    //#unroll q in 0..FILL_B
    place_b_${q} = place(lane + ${q}u * LANES, B4, p.b_k == 1u);
    at_b_${q} = z * p.b_batch + min(col0 + 4u * place_b_${q}.four + four, vec4<u32>(p.n - 1u)) * p.b_col + place_b_${q}.term * p.b_k;
    //#end
    load_until(end, begin);
    for (var k = begin; k < end; k += STEP) {
        workgroupBarrier();
        panel_store();
        workgroupBarrier();
        let next = k + STEP;
        if next + STEP <= end { load(next); } else if next < end { load_until(end, next); }
        panel_sums(l.x, l.y);
    }
    panel_end(l.x, l.y);
    //#unroll j in 0..RX
    let column${j} = col0 + column_of(l.x, ${j}u);
    let bias${j} = bias_at(column${j});
    //#end
    //#unroll i in 0..RY
    //#unroll r in 0..4
    let row${i}_${r} = row0 + row_of(l.y, ${i}u, ${r}u);
    if row${i}_${r} < p.m {
        let at${i}_${r} = (sz * p.m + row${i}_${r}) * p.n;
        //#unroll j in 0..RX
        store(at${i}_${r} + column${j}, column${j}, finished(sum_${i}_${r}_${j}, bias${j}));
        //#end
    }
    //#end
    //#end
}

// The bias of four columns; zeros where there is none.
fn bias_at(column: u32) -> vec4<f32> {
    if (p.flags & 1u) == 0u { return vec4<f32>(); }
    let at = min(column + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.n - 1u));
    return vec4<f32>(bias[at.x], bias[at.y], bias[at.z], bias[at.w]);
}

fn finished(sum: vec4<f32>, added: vec4<f32>) -> vec4<f32> {
    let v = p.alpha * sum + added;
    return select(v, rectified4(v), (p.flags & 4u) != 0u);
}

// Stores what of four neighbours is within the row.
fn store(at: u32, column: u32, v: vec4<f32>) {
    if column + 4u <= p.n {
        c[at] = v.x;
        c[at + 1u] = v.y;
        c[at + 2u] = v.z;
        c[at + 3u] = v.w;
    } else {
        if column < p.n { c[at] = v.x; }
        if column + 1u < p.n { c[at + 1u] = v.y; }
        if column + 2u < p.n { c[at + 2u] = v.z; }
    }
}
