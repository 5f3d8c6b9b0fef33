// A 64 x 64 tile of a matrix product in steps of 16, kept 4 x 4 per invocation by 256 invocations: the caller fills `ta` and `tb` between
// barriers and calls `tile_step`, then `tile_end`; invocation (lx, ly) ends with rows ly + 16·i and columns lx + 16·j in `acc_i[j]`.
alias Operand = f32;
const TILE: u32 = 64u;
const STEP: u32 = 16u;

var<workgroup> ta: array<f32, 1024>; // (STEP, TILE)
var<workgroup> tb: array<f32, 1024>; // (STEP, TILE)
var<private> acc_0: vec4<f32>;
var<private> acc_1: vec4<f32>;
var<private> acc_2: vec4<f32>;
var<private> acc_3: vec4<f32>;

fn tile_step(l: vec3<u32>) {
    for (var k = 0u; k < STEP; k++) {
        let at = k * TILE;
        let y = vec4<f32>(tb[at + l.x], tb[at + l.x + 16u], tb[at + l.x + 32u], tb[at + l.x + 48u]);
        //#unroll i in 0..4
        acc_${i} = fma(vec4<f32>(ta[at + l.y + ${i}u * 16u]), y, acc_${i});
        //#end
    }
}

fn tile_end(l: vec3<u32>) {}
