// The sums of panel.wgsl in registers: 4·RX columns x 4·RY rows of an invocation. Panels hold four rows or columns to a vec4: a read of sixteen
// bytes serves sixteen multiply-adds, and since the first index is a constant, the bounds check of the second serves all steps. The terms of
// neighbouring invocations are in different banks, because rows are one vector too long.
var<workgroup> panel_a: array<array<vec4<f32>, A4 + 1u>, STEP>;
var<workgroup> panel_b: array<array<vec4<f32>, B4 + 1u>, STEP>;

fn panel_store() {
    //#unroll q in 0..FILL_A
    panel_a[place_a_${q}.term][place_a_${q}.four] = next_a_${q};
    //#end
    //#unroll q in 0..FILL_B
    panel_b[place_b_${q}.term][place_b_${q}.four] = next_b_${q};
    //#end
}

fn panel_sums(x: u32, y: u32) {
    //#unroll k in 0..STEP
    //#unroll i in 0..RY
    let a${k}_${i} = panel_a[${k}][y + ${i}u * LY];
    //#end
    //#unroll j in 0..RX
    let b${k}_${j} = panel_b[${k}][x + ${j}u * LX];
    //#end
    //#unroll i in 0..RY
    //#unroll r in 0..4
    //#unroll j in 0..RX
    sum_${i}_${r}_${j} = fma(vec4<f32>(a${k}_${i}[${r}]), b${k}_${j}, sum_${i}_${r}_${j});
    //#end
    //#end
    //#end
    //#end
}

fn panel_end(x: u32, y: u32) {}
