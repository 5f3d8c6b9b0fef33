//! The doctor finds a wrong variant, switches it off, and the engine goes on with another.

mod common;

use common::device;
use emotone::doctor::examine;
use std::process::Command;

#[test]
fn a_wrong_variant_is_found_and_named() {
    let Some(device) = device() else { return };
    let sound = examine(&device, &|_, _| (), &mut |_| ()).expect("report");
    assert!(sound.healthy() && sound.usable() && sound.switches().is_empty(), "{sound}");
    assert!(sound.findings.len() >= 12 && sound.findings.iter().all(|f| f.cases > 0 && f.worst.is_some()), "{sound}");
    // One element, by a little; something that is not a number; where nothing can stand in.
    let spoil = |variant: &'static str, by: f32| {
        examine(
            &device,
            &|v, values| {
                if v == variant {
                    values[0] += by * values.iter().fold(0.0, |m: f32, v| m.max(v.abs()))
                }
            },
            &mut |_| (),
        )
        .expect("report")
    };
    let bad = spoil("softmax", 1e-3);
    assert!(!bad.healthy() && !bad.usable() && bad.switches().is_empty(), "{bad}");
    assert!(bad.findings.iter().all(|f| f.failures.is_empty() == (f.variant != "softmax")), "{bad}");
    if let Some(f) = sound.findings.iter().find(|f| f.switch.is_some()) {
        let variant: &'static str = Box::leak(f.variant.clone().into_boxed_str());
        let bad = spoil(variant, f32::NAN);
        assert!(!bad.healthy() && bad.usable(), "{bad}");
        assert_eq!(bad.switches(), [f.switch.expect("a switch")]);
        assert!(bad.to_string().contains("WRONG") && bad.to_string().contains("the engine goes on without"), "{bad}");
    }
}

/// In a cache folder of its own: a finding is kept for this adapter and driver, announced, obeyed, and taken back.
#[test]
fn what_is_switched_off_stays_off_until_it_passes() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let caps = device.caps();
    let key = format!("{}|{}|{}|{}", caps.adapter, caps.backend, caps.driver, env!("CARGO_PKG_VERSION"));
    let file = dir.path().join("emotone").join("switched-off.json");
    std::fs::create_dir_all(file.parent().expect("folder")).expect("folder");
    std::fs::write(&file, serde_json::json!({ key: ["winograd", "fusion"] }).to_string()).expect("file");
    let train = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_train")).env("XDG_CACHE_HOME", dir.path()).args(args).output().expect("train");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let plan = ["--plan", "--preset", "small"];
    let without = train(&plan);
    assert!(without.contains("switched off, because doctor found it wrong here: winograd, fusion"), "{without}");
    assert!(!without.contains("winograd_input"), "{without}");
    assert!(train(&["--doctor"]).contains("this adapter computes right"));
    assert!(!train(&plan).contains("switched off"), "a variant that passes stays off");
}
