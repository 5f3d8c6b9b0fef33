// The matrices of a subgroup of WAVE lanes: PARTS.
fn own_parts(lane: u32) -> u32 { return PARTS; }

fn first_part(lane: u32, own: u32) -> u32 { return lane / WAVE * PARTS; }
