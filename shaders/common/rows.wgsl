// Rows of equal length, each taken by one thread (on software drivers, where rows are many) or by the whole workgroup: what belongs to a row
// is read once, and no element's row is found by division. A thread takes elements `first`, `first + step`, ... of its row.
struct Row { row: u32, first: u32, step: u32 }
fn row_of(group: u32, lane: u32, row_per_thread: u32) -> Row {
    if row_per_thread != 0u { return Row(group * WG + lane, 0u, 1u); }
    return Row(group, lane, WG);
}
