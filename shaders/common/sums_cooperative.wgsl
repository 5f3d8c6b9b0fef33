// The sums of panel.wgsl by cooperative matrices of EDGE x EDGE: operands rounded to half precision, sums in single. A subgroup of WAVE makes
// FY x FX of them, subgroups along the columns first; `panel_end` hands them out through workgroup memory, a row of each subgroup's at a time.
const LONG_A: u32 = TM + 8u; // a term's halves of panel a, so that terms begin in different banks
const LONG_B: u32 = TN + 8u;
const ACROSS: u32 = TN / (FX * EDGE); // subgroups
var<workgroup> panel_a: array<f16, STEP * LONG_A>;
var<workgroup> panel_b: array<f16, STEP * LONG_B>;
var<workgroup> band: array<f32, TM / FY * TN>;
//#unroll i in 0..FY
//#unroll j in 0..FX
var<private> part_${i}_${j}: Sum;
//#end
//#end

fn panel_store() {
    //#unroll q in 0..FILL_A
    let a${q} = place_a_${q}.term * LONG_A + 4u * place_a_${q}.four;
    //#unroll r in 0..4
    panel_a[a${q} + ${r}u] = f16(next_a_${q}[${r}]);
    //#end
    //#end
    //#unroll q in 0..FILL_B
    let b${q} = place_b_${q}.term * LONG_B + 4u * place_b_${q}.four;
    //#unroll r in 0..4
    panel_b[b${q} + ${r}u] = f16(next_b_${q}[${r}]);
    //#end
    //#end
}

fn panel_sums(x: u32, y: u32) {
    let subgroup = (y * LX + x) / WAVE;
    let row = subgroup / ACROSS * FY * EDGE;
    let column = subgroup % ACROSS * FX * EDGE;
    for (var k = 0u; k < STEP; k += EDGE) {
        //#unroll j in 0..FX
        let b${j} = coopLoadT<Right>(&panel_b[k * LONG_B + column + ${j}u * EDGE], LONG_B);
        //#end
        //#unroll i in 0..FY
        let a${i} = coopLoad<Left>(&panel_a[k * LONG_A + row + ${i}u * EDGE], LONG_A);
        //#unroll j in 0..FX
        part_${i}_${j} = coopMultiplyAdd(a${i}, b${j}, part_${i}_${j});
        //#end
        //#end
    }
}

fn panel_end(x: u32, y: u32) {
    let subgroup = (y * LX + x) / WAVE;
    let own = subgroup / ACROSS * EDGE * TN + subgroup % ACROSS * FX * EDGE;
    //#unroll f in 0..FY
    workgroupBarrier();
    //#unroll c in 0..FX
    coopStoreT(part_${f}_${c}, &band[own + ${c}u * EDGE], TN);
    //#end
    workgroupBarrier();
    //#unroll i in 0..RY
    let matrix${f}_${i} = row_of(y, ${i}u, 0u) / EDGE;
    if matrix${f}_${i} % FY == ${f}u {
        let first = (matrix${f}_${i} / FY * EDGE + row_of(y, ${i}u, 0u) % EDGE) * TN;
        //#unroll r in 0..4
        //#unroll j in 0..RX
        let at${r}_${j} = first + ${r}u * TN + column_of(x, ${j}u);
        sum_${i}_${r}_${j} = vec4<f32>(band[at${r}_${j}], band[at${r}_${j} + 1u], band[at${r}_${j} + 2u], band[at${r}_${j} + 3u]);
        //#end
        //#end
    }
    //#end
    //#end
}
