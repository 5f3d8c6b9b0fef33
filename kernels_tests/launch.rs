//! Launches that do not fit their shader are refused when they are recorded, with both sides named.

use crate::case::device;
use emotone::gpu::{Launch, Region};
use emotone::kernels::copy::SHADER;

#[test]
fn names_and_types_are_checked() {
    let Some(device) = device() else { return };
    let (x, y) = (device.buffer("x", 256).expect("memory").all(), device.buffer("y", 256).expect("memory").all());
    let copy = || Launch::new(&SHADER, "copy").invocations(16);
    let whole = |l: Launch<Region>| l.bind("x", x.clone()).bind("y", y.clone());
    let message = |l: Launch<Region>| device.record(&[l]).err().expect("refused").to_string();
    assert!(device.record(&[whole(copy().set("n", 64usize))]).is_ok());
    assert_eq!(message(whole(copy())), "copy::copy: expected `n`: u32, got no value");
    assert_eq!(message(whole(copy().set("n", 64f32))), "copy::copy: expected `n`: u32, got f32");
    assert_eq!(message(whole(copy().set("m", 64usize))), "copy::copy: expected parameters among `n`: u32, got `m`: u32");
    let set = || copy().set("n", 64usize);
    assert_eq!(message(set().bind("x", x.clone())), "copy::copy: expected one operand for `y`, got 0");
    assert_eq!(message(whole(set()).bind("x", x.clone())), "copy::copy: expected one operand for `x`, got 2");
    assert_eq!(message(whole(set()).bind("z", x.clone())), "copy::copy: expected operands the shader uses, got `z`");
}
