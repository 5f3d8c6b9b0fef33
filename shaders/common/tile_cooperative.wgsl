// A 64 x 64 tile of a matrix product in steps of 16 by cooperative matrices of EDGE x EDGE: operands rounded to half precision, sums in
// single. For adapters with subgroups of several sizes, whose lanes are counted: subgroup s of the 256 invocations makes matrices s·own to
// s·own + own - 1 of the tile's (TILE / EDGE)², row after row, an even share and at least one, at most PARTS. Where there are more subgroups
// than matrices, the surplus makes the last one again, for they all have to be there. `tile_end` hands the sums out as tile0.wgsl leaves them.
alias Operand = f16;
const TILE: u32 = 64u;
const STEP: u32 = 16u;
const SIDE: u32 = TILE / EDGE;

var<workgroup> ta: array<f16, 1024>; // (STEP, TILE)
var<workgroup> tb: array<f16, 1024>; // (STEP, TILE)
var<workgroup> tc: array<f32, 4096>; // (TILE, TILE)
var<private> acc_0: vec4<f32>;
var<private> acc_1: vec4<f32>;
var<private> acc_2: vec4<f32>;
var<private> acc_3: vec4<f32>;
//#unroll t in 0..PARTS
var<private> part_${t}: Sum;
//#end

var<workgroup> lanes: u32;

fn own_parts(lane: u32) -> u32 {
    let counted = subgroupAdd(1u);
    if lane == 0u { lanes = counted; }
    return max(SIDE * SIDE * workgroupUniformLoad(&lanes) / 256u, 1u);
}

fn first_part(lane: u32, own: u32) -> u32 { return min(lane / subgroupAdd(1u) * own, SIDE * SIDE - own); }

fn tile_step(l: vec3<u32>) {
    let own = own_parts(l.y * 16u + l.x);
    let first = first_part(l.y * 16u + l.x, own);
    for (var k = 0u; k < STEP; k += EDGE) {
        //#unroll t in 0..PARTS
        if ${t}u < own {
            let a${t} = coopLoad<Left>(&ta[k * TILE + (first + ${t}u) / SIDE * EDGE], TILE);
            let b${t} = coopLoadT<Right>(&tb[k * TILE + (first + ${t}u) % SIDE * EDGE], TILE);
            part_${t} = coopMultiplyAdd(a${t}, b${t}, part_${t});
        }
        //#end
    }
}

fn tile_end(l: vec3<u32>) {
    let own = own_parts(l.y * 16u + l.x);
    let first = first_part(l.y * 16u + l.x, own);
    //#unroll t in 0..PARTS
    if ${t}u < own { coopStoreT(part_${t}, &tc[(first + ${t}u) / SIDE * EDGE * TILE + (first + ${t}u) % SIDE * EDGE], TILE); }
    //#end
    workgroupBarrier();
    //#unroll i in 0..4
    let r${i} = (l.y + ${i}u * 16u) * TILE + l.x;
    acc_${i} = vec4<f32>(tc[r${i}], tc[r${i} + 16u], tc[r${i} + 32u], tc[r${i} + 48u]);
    //#end
}
