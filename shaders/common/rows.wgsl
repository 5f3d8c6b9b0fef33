// Rows of equal length, each walked by one lane (on software drivers, many rows) or by the whole workgroup: what belongs to a row is read
// once, and no element's row is found by division.
struct Walk { row: u32, first: u32, step: u32 }
fn walk(group: u32, lane: u32, alone: u32) -> Walk {
    if alone != 0u { return Walk(group * WG + lane, 0u, 1u); }
    return Walk(group, lane, WG);
}
