// 2-D convolution and its gradients as implicit matrix products for GPUs: blocks of sums in registers, panels in workgroup memory
// (common/panel.wgsl). Equations: conv2d_fwd_subgroup.wgsl, conv2d_bwd_input_subgroup.wgsl, conv2d_bwd_weight_subgroup.wgsl.
//   fwd         rows co, columns (n,oy,ox), terms (ci,ky,kx): weight · x
//   bwd_input   rows ci, columns (n,iy,ix), terms (co,ky,kx): weight · dy, of the taps that reach the pixels of a stride's phase
//   bwd_weight  rows co, columns (ci,ky,kx), terms (n,oy,ox): dy · x
// Where there are few blocks, the terms are cut into slices of `span`, whose sums a second launch adds in order.
// The left factor's place in memory is a number of the row plus one of the term. So are the three numbers of an element of the image, its
// place, its line and its column. Those of a row or column are found once, those of a term once per step.
// Grid: x column blocks, y row blocks, z groups (x phases) x slices, or x folds of x where there is one slice.

//#include <common/sums${COOP}.wgsl>
//#include <common/panel.wgsl>
//#include <common/epilogue.wgsl>

const COOP: u32 = 0u; //#tunable  side of cooperative matrices, which round operands to half precision; 0 without

// The image is what taps reach into: x, and dy in bwd_input. `pixels` go over the other one: y, dx, and dy in bwd_weight.
struct Params {
    groups: u32, rows: u32, columns: u32, terms: u32,
    channels: u32, h: u32, w: u32, inside: u32,      // of the image, per group; whether all taps are inside
    taps: u32, kw: u32, tap_y: u32, tap_x: u32,       // what a tap adds to the line and column, negative in bwd_input
    ph: u32, pw: u32, up_y: u32, up_x: u32,           // extents of pixels; what a pixel is multiplied with to be a line of the image,
    shift_y: u32, shift_x: u32,                       // what is added
    down_y: u32, down_x: u32, step_y: u32, step_x: u32, // in bwd_input the stride, and how far apart the taps of a phase are
    dil_y: u32, dil_x: u32,
    factor_row: u32, factor_channel: u32, factor_group: u32,
    per_taps: f32, per_kw: f32, per_pw: f32,
    epilogue: u32, eps: f32, span: u32,
}
@group(0) @binding(0) var<uniform> p: Params;

@group(0) @binding(1) var<storage, read>       image:    array<f32>; // (n, groups·channels, h, w)
@group(0) @binding(2) var<storage, read>       factor:   array<f32>; // weight (groups·cout, cin, kh, kw); dy in bwd_weight
@group(0) @binding(3) var<storage, read>       bias:     array<f32>; // (groups·rows)
@group(0) @binding(4) var<storage, read>       scale:    array<f32>; // (groups·rows)
@group(0) @binding(5) var<storage, read>       mean:     array<f32>; // (groups·rows)
@group(0) @binding(6) var<storage, read>       variance: array<f32>; // (groups·rows)  running variance
@group(0) @binding(7) var<storage, read_write> out:      array<f32>; // y, dx (n, groups·rows, ph, pw), or dw; of each slice  overwritten

// Where an element of the image is: its place in memory, line and column. Sums of two such may wrap below zero, which is outside.
struct Spot { at: u32, y: u32, x: u32 }
struct Spots { at: vec4<u32>, y: vec4<u32>, x: vec4<u32> }

//#unroll q in 0..FILL_A
var<private> rows_${q}: vec4<u32>; // places of the rows of a vector of panel a
//#end
//#unroll q in 0..FILL_B
var<private> columns_${q}: Spots;
//#end

// What the workgroup looks at: all pixels and taps, or those of a phase.
struct View { columns: u32, terms: u32, ph: u32, pw: u32, shift_y: u32, shift_x: u32, first: u32, taps: u32, kw: u32, per_taps: f32, per_kw: f32 }

fn view_all() -> View { return View(p.columns, p.terms, p.ph, p.pw, p.shift_y, p.shift_x, 0u, p.taps, p.kw, p.per_taps, p.per_kw); }

// With a stride, the pixels of bwd_input fall into phases (iy mod stride, ix mod stride), and a tap reaches all pixels of a phase or none:
// those from the first on that does, `step` apart. A phase may have no pixels or no taps.
fn view_phase(y: u32, x: u32) -> View {
    var view = view_all();
    // One way out, as FXC takes the value of a function with two for uninitialised, and then for varying.
    if strided() {
        let kh = p.taps / p.kw;
        let ky = first_tap(y + p.shift_y, kh, p.dil_y, p.down_y);
        let kx = first_tap(x + p.shift_x, p.kw, p.dil_x, p.down_x);
        view.ph = (max(p.ph, y) - y + p.down_y - 1u) / p.down_y;
        view.pw = (max(p.pw, x) - x + p.down_x - 1u) / p.down_x;
        view.columns = p.columns / (p.ph * p.pw) * view.ph * view.pw;
        view.shift_y = u32((i32(y + p.shift_y) - i32(ky * p.dil_y)) / i32(p.down_y));
        view.shift_x = u32((i32(x + p.shift_x) - i32(kx * p.dil_x)) / i32(p.down_x));
        view.first = ky * p.kw + kx;
        view.kw = (p.kw - kx + p.step_x - 1u) / p.step_x;
        view.taps = (kh - ky + p.step_y - 1u) / p.step_y * view.kw;
        view.terms = view.taps * p.channels;
        view.per_taps = 1.0 / f32(view.taps);
        view.per_kw = 1.0 / f32(view.kw);
    }
    return view;
}

fn strided() -> bool { return p.down_y != 1u || p.down_x != 1u; }

// The first of k taps that reaches a line of the image from `at`, or k.
fn first_tap(at: u32, k: u32, dilation: u32, stride: u32) -> u32 {
    var tap = 0u;
    while tap < k && (i32(at) - i32(tap * dilation)) % i32(stride) != 0 { tap++; }
    return tap;
}

// ⌊a / b⌋ for a < 2^21, where `per` is 1 / b; for a < 2^20 of a phase, whose `per` was divided here: to less than
// three units in the last place.
fn quotient(a: u32, per: f32) -> u32 { return u32((f32(a) + 0.5) * per); }

// What pixel (y, x) of the pixels adds to a spot, apart from its image.
fn pixel(view: View, y: u32, x: u32) -> Spot { return spot(0u, y * p.up_y + view.shift_y, x * p.up_x + view.shift_x); }

// What term (c, ky, kx) adds to a spot.
fn tap(view: View, k: u32) -> Spot {
    let c = quotient(k, view.per_taps);
    let t = k - c * view.taps;
    let ky = quotient(t, view.per_kw);
    return spot(c * p.h * p.w, ky * p.tap_y, (t - ky * view.kw) * p.tap_x);
}

// The place of term (c, ky, kx) in the left factor, apart from its row.
fn factor_term(view: View, k: u32, back: bool) -> u32 {
    let c = quotient(k, view.per_taps);
    let t = k - c * view.taps;
    if !(back && strided()) { return c * p.factor_channel + t; }
    let ky = quotient(t, view.per_kw);
    return c * p.factor_channel + view.first + ky * p.step_y * p.kw + (t - ky * view.kw) * p.step_x;
}

// A spot with its place.
fn spot(at: u32, y: u32, x: u32) -> Spot { return Spot(at + y * p.w + x, y, x); }

// Loads are in flight until `settle`, which puts zeros in the place of what is outside.
//#unroll q in 0..FILL_A
var<private> inside_a_${q}: bool;
//#end
//#unroll q in 0..FILL_B
var<private> inside_b_${q}: vec4<bool>;
//#end
fn settle() {
    //#unroll q in 0..FILL_A
    next_a_${q} = select(vec4<f32>(), next_a_${q}, inside_a_${q});
    //#end
    //#unroll q in 0..FILL_B
    next_b_${q} = select(vec4<f32>(), next_b_${q}, inside_b_${q});
    //#end
}

fn factor_at(at: vec4<u32>) -> vec4<f32> { return vec4<f32>(factor[at.x], factor[at.y], factor[at.z], factor[at.w]); }
fn image_at(at: vec4<u32>) -> vec4<f32> { return vec4<f32>(image[at.x], image[at.y], image[at.z], image[at.w]); }

// Which of four elements of the image there are in one term.
fn inside(columns: Spots, term: Spot, valid: bool) -> vec4<bool> {
    if p.inside != 0u { return vec4<bool>(valid); }
    return vec4<bool>(valid) & (columns.y + term.y < vec4<u32>(p.h)) & (columns.x + term.x < vec4<u32>(p.w));
}

fn spots(a: Spot, b: Spot, c: Spot, d: Spot) -> Spots {
    return Spots(vec4<u32>(a.at, b.at, c.at, d.at), vec4<u32>(a.y, b.y, c.y, d.y), vec4<u32>(a.x, b.x, c.x, d.x));
}

// Sets the rows' part of the left factor's places; those beyond the last row are the last one's, and are not stored.
fn set_rows(lane: u32, row0: u32, group: u32) {
    //#unroll q in 0..FILL_A
    place_a_${q} = place(lane + ${q}u * LANES, A4, true);
    let at${q} = min(row0 + 4u * place_a_${q}.four + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(p.rows - 1u));
    rows_${q} = group * p.factor_group + at${q} * p.factor_row;
    //#end
}

// Pixel `i` over (n, y, x), or the last one.
fn pixel_column(view: View, i: u32, group: u32) -> Spot {
    let at = min(i, view.columns - 1u);
    let n = at / (view.ph * view.pw);
    let y = at % (view.ph * view.pw) / view.pw;
    let s = pixel(view, y, at % view.pw);
    return Spot(s.at + (n * p.groups + group) * p.channels * p.h * p.w, s.y, s.x);
}

// Loads the step of taps from k on that are before `end`. All vectors of panel a have one term, all of panel b the same columns.
fn load_taps(view: View, k: u32, end: u32, back: bool) {
    let at = factor_term(view, min(k + place_a_0.term, view.terms - 1u), back);
    //#unroll q in 0..FILL_A
    next_a_${q} = factor_at(rows_${q} + at);
    inside_a_${q} = k + place_a_0.term < end;
    //#end
    //#unroll q in 0..FILL_B
    let tap${q} = tap(view, k + place_b_${q}.term);
    inside_b_${q} = inside(columns_0, tap${q}, k + place_b_${q}.term < end);
    next_b_${q} = image_at(select(vec4<u32>(), columns_0.at + tap${q}.at, inside_b_${q}));
    //#end
}

// The sums of a block of rows and pixels, over a slice of the terms.
fn sum_taps(view: View, l: vec3<u32>, lane: u32, group: u32, row0: u32, col0: u32, slice: u32, back: bool) {
    set_rows(lane, row0, group);
    //#unroll q in 0..FILL_B
    place_b_${q} = place(lane + ${q}u * LANES, B4, false);
    //#end
    let column = col0 + 4u * place_b_0.four;
    columns_0 = spots(pixel_column(view, column, group), pixel_column(view, column + 1u, group), pixel_column(view, column + 2u, group), pixel_column(view, column + 3u, group));
    // A phase may have too few terms for this slice.
    let end = min(view.terms, (slice + 1u) * p.span);
    if slice * p.span < end { load_taps(view, slice * p.span, end, back); }
    for (var k = slice * p.span; k < end; k += STEP) {
        workgroupBarrier();
        settle();
        panel_store();
        workgroupBarrier();
        if k + STEP < end { load_taps(view, k + STEP, end, back); }
        panel_sums(l.x, l.y);
    }
    panel_end(l.x, l.y);
}

// Where pixel `i` of the view is stored, counted from its first one in a group's first row, in the whole or in a slice's.
fn stored_at(view: View, i: u32, first: u32, group: u32, back: bool) -> u32 {
    let n = i / (view.ph * view.pw);
    var at = i % (view.ph * view.pw);
    if back && strided() { at = at / view.pw * p.down_y * p.pw + at % view.pw * p.down_x; }
    return first + (n * p.groups + group) * p.rows * p.ph * p.pw + at;
}

fn stored_four(view: View, i: u32, at: vec2<u32>, group: u32, slice: u32, back: bool) -> vec4<u32> {
    let first = slice * p.groups * p.rows * p.columns + at.x * p.pw + at.y;
    return vec4<u32>(
        stored_at(view, i, first, group, back), stored_at(view, i + 1u, first, group, back), stored_at(view, i + 2u, first, group, back), stored_at(view, i + 3u, first, group, back));
}

// The fold of the columns and the slice of the terms, of which there is one at least.
fn fold_and_slice(z: u32) -> vec2<u32> {
    return select(vec2<u32>(z, 0u), vec2<u32>(0u, z), p.span < p.terms);
}

// Stores those of four columns that there are.
fn store(view: View, at: vec4<u32>, column: u32, v: vec4<f32>) {
    if column + 4u <= view.columns {
        out[at.x] = v.x;
        out[at.y] = v.y;
        out[at.z] = v.z;
        out[at.w] = v.w;
    } else {
        if column < view.columns { out[at.x] = v.x; }
        if column + 1u < view.columns { out[at.y] = v.y; }
        if column + 2u < view.columns { out[at.z] = v.z; }
    }
}

@compute @workgroup_size(LX, LY)
fn conv2d_fwd_panel(@builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_id) l: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let group = g.z % p.groups;
    let row0 = g.y * TM;
    let part = fold_and_slice(g.z / p.groups);
    let col0 = (part.x * groups.x + g.x) * TN;
    let view = view_all();
    if col0 >= view.columns { return; }
    sum_taps(view, l, lane, group, row0, col0, part.y, false);
    //#unroll j in 0..RX
    let column${j} = col0 + column_of(l.x, ${j}u);
    let at${j} = stored_four(view, column${j}, vec2<u32>(), group, part.y, false);
    //#end
    //#unroll i in 0..RY
    //#unroll r in 0..4
    let row${i}_${r} = row0 + row_of(l.y, ${i}u, ${r}u);
    if row${i}_${r} < p.rows {
        let f = epilogue_of(group * p.rows + row${i}_${r});
        //#unroll j in 0..RX
        let v${j} = sum_${i}_${r}_${j};
        store(view, at${j} + row${i}_${r} * p.ph * p.pw, column${j}, vec4<f32>(epilogue(f, v${j}.x), epilogue(f, v${j}.y), epilogue(f, v${j}.z), epilogue(f, v${j}.w)));
        //#end
    }
    //#end
    //#end
}

@compute @workgroup_size(LX, LY)
fn conv2d_bwd_input_panel(@builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_id) l: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let group = g.z % p.groups;
    let row0 = g.y * TM;
    // As many as the image has lines and columns, where the stride is longer.
    let across = min(p.down_x, p.pw);
    let phases = min(p.down_y, p.ph) * across;
    let phase = g.z / p.groups % phases;
    let first = vec2<u32>(phase / across, phase % across);
    let part = fold_and_slice(g.z / (p.groups * phases));
    let col0 = (part.x * groups.x + g.x) * TN;
    let view = view_phase(first.x, first.y);
    if col0 >= view.columns { return; }
    sum_taps(view, l, lane, group, row0, col0, part.y, true);
    //#unroll j in 0..RX
    let column${j} = col0 + column_of(l.x, ${j}u);
    let at${j} = stored_four(view, column${j}, first, group, part.y, true);
    //#end
    //#unroll i in 0..RY
    //#unroll r in 0..4
    let row${i}_${r} = row0 + row_of(l.y, ${i}u, ${r}u);
    if row${i}_${r} < p.rows {
        //#unroll j in 0..RX
        store(view, at${j} + row${i}_${r} * p.ph * p.pw, column${j}, sum_${i}_${r}_${j});
        //#end
    }
    //#end
    //#end
}

// Loads the step of pixels whose first is pixel `i` of the batch, `at` of image `n`. All vectors have one term.
fn load_pixels(view: View, n: u32, at: u32, valid: bool) {
    let y = quotient(at, p.per_pw);
    let s = pixel(view, y, at - y * p.pw);
    let term = Spot(s.at + n * p.groups * p.channels * p.h * p.w, s.y, s.x);
    //#unroll q in 0..FILL_A
    next_a_${q} = factor_at(rows_${q} + select(0u, n * p.factor_channel + at, valid));
    inside_a_${q} = valid;
    //#end
    //#unroll q in 0..FILL_B
    inside_b_${q} = inside(columns_${q}, term, valid);
    next_b_${q} = image_at(select(vec4<u32>(), columns_${q}.at + term.at, inside_b_${q}));
    //#end
}

// Tap `i` of a group, or the last one.
fn tap_column(view: View, i: u32, group: u32) -> Spot {
    let s = tap(view, min(i, p.columns - 1u));
    return Spot(s.at + group * p.channels * p.h * p.w, s.y, s.x);
}

@compute @workgroup_size(LX, LY)
fn conv2d_bwd_weight_panel(@builtin(workgroup_id) g: vec3<u32>, @builtin(local_invocation_id) l: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let group = g.z % p.groups;
    let slice = g.z / p.groups;
    let row0 = g.y * TM;
    let col0 = g.x * TN;
    let view = view_all();
    set_rows(lane, row0, group);
    //#unroll q in 0..FILL_B
    place_b_${q} = place(lane + ${q}u * LANES, B4, true);
    let column_b${q} = col0 + 4u * place_b_${q}.four;
    columns_${q} = spots(tap_column(view, column_b${q}, group), tap_column(view, column_b${q} + 1u, group), tap_column(view, column_b${q} + 2u, group), tap_column(view, column_b${q} + 3u, group));
    //#end
    let plane = p.ph * p.pw;
    let end = min(p.terms, (slice + 1u) * p.span);
    // The pixel of this invocation's term: its number, its image, its place there. Counted on, since a batch may have any number of pixels.
    var i = slice * p.span + place_a_0.term;
    var n = i / plane;
    var at = i % plane;
    if slice * p.span < end { load_pixels(view, n, at, i < end); }
    for (var k = slice * p.span; k < end; k += STEP) {
        workgroupBarrier();
        settle();
        panel_store();
        workgroupBarrier();
        i += STEP;
        n += STEP / plane;
        at += STEP % plane;
        if at >= plane {
            at -= plane;
            n++;
        }
        if k + STEP < end { load_pixels(view, n, at, i < end); }
        panel_sums(l.x, l.y);
    }
    panel_end(l.x, l.y);
    //#unroll i in 0..RY
    //#unroll r in 0..4
    let row${i}_${r} = row0 + row_of(l.y, ${i}u, ${r}u);
    if row${i}_${r} < p.rows {
        let first${i}_${r} = ((slice * p.groups + group) * p.rows + row${i}_${r}) * p.columns;
        //#unroll j in 0..RX
        let column${i}_${r}_${j} = col0 + column_of(l.x, ${j}u);
        store(view, first${i}_${r} + column${i}_${r}_${j} + vec4<u32>(0u, 1u, 2u, 3u), column${i}_${r}_${j}, sum_${i}_${r}_${j});
        //#end
    }
    //#end
    //#end
}
