//! Launches that do not fit their shader are refused when they are recorded, with both sides named.

use crate::case::device;
use emotone::gpu::{AdapterRequest, Device, Launch, Region, Shader};
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

/// A shader from outside the crate has not been looked at: where those of the crate go without wgpu's checks, it keeps them.
#[test]
fn shaders_from_outside_keep_their_checks() {
    static BEYOND: Shader = Shader::new(
        "beyond",
        "
struct Params { i: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
var<workgroup> own: array<f32, 4>;
@compute @workgroup_size(1) fn beyond() {
    own[3] = y[0];
    y[0] = own[p.i];
}
",
    );
    if device().is_none() {
        return;
    }
    let device = Device::open(&AdapterRequest { unchecked: Some(true), ..AdapterRequest::from_env() }).expect("device");
    if !device.caps().unchecked {
        println!("skipped: {} keeps checks in all shaders", device.caps().headline());
        return;
    }
    let y = device.buffer("y", 256).expect("memory");
    device.write(&y, 0, bytemuck::bytes_of(&9f32));
    let launch = Launch::new(&BEYOND, "beyond").set("i", 6usize).bind("y", y.all()).invocations(1);
    device.replay(&device.record(&[launch]).expect("recorded")).expect("run");
    let bytes = device.read(&y.region(0, 4)).expect("values");
    assert_eq!(bytemuck::pod_read_unaligned::<f32>(&bytes), 9.0, "an index beyond the end is that of the last element");
}
