//! The doctor finds a wrong variant, switches it off, and the engine goes on with another.

mod common;

use common::{device, recipe};
use emotone::check;
use emotone::doctor::{compare_unchecked, examine, examine_cases};
use emotone::gpu::{AdapterRequest, Device};
use emotone::kernels::Target;
use emotone::train::config::Config;
use emotone::train::run;
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

/// On an adapter that is taken for a GPU, values in halves are looked at too; where they are wrong, half precision is switched off.
#[test]
fn halves_are_examined_on_gpus_and_switched_off_where_they_are_wrong() {
    if device().is_none() {
        return;
    }
    let mut request = AdapterRequest { all_variants: true, unchecked: Some(false), ..AdapterRequest::from_env() };
    request.disable.push("software".into());
    let device = Device::open(&request).expect("device");
    if !device.caps().f16 {
        println!("skipped: {} has no half precision", device.caps().headline());
        return;
    }
    let target = Target::new(&device);
    let report = |wrong: &'static str| {
        let cases = check::cases(&target).filter(|case| case.variant == "softmax" && case.doctor.is_some()).take(6);
        let spoil = |variant: &str, values: &mut [f32]| values[0] += if variant == wrong { 1.0 } else { 0.0 };
        examine_cases(&device, cases, &spoil, &mut |_| ()).expect("report")
    };
    let sound = report("none");
    let found: Vec<_> = sound.findings.iter().map(|f| (f.variant.as_str(), f.switch, f.cases)).collect();
    assert_eq!(found, [("softmax", None, 6), ("softmax, halves", Some("f16"), 6)]);
    assert!(sound.healthy() && sound.findings[1].worst > sound.findings[0].worst, "{sound}");
    let bad = report("softmax, halves");
    assert!(!bad.healthy() && bad.usable() && bad.switches() == ["f16"], "{bad}");
}

/// In a cache folder of its own: a finding is kept for this adapter and driver, announced, obeyed, and taken back.
#[test]
fn what_is_switched_off_stays_off_until_it_passes() {
    if device().is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let open = |all_variants: bool| {
        let unchecked = all_variants.then_some(false);
        let request = AdapterRequest { cache: Some(dir.path().into()), all_variants, unchecked, ..AdapterRequest::from_env() };
        Device::open(&request).expect("device")
    };
    let key = {
        let caps = open(false).caps().clone();
        format!("{}|{}|{}|{}", caps.adapter, caps.backend, caps.driver, env!("CARGO_PKG_VERSION"))
    };
    let words = ["winograd", "fusion"].map(String::from);
    std::fs::write(dir.path().join("switched-off.json"), serde_json::json!({ key: words }).to_string()).expect("file");
    let without = open(false);
    assert!(without.caps().headline().contains("switched off, because doctor found it wrong here: winograd, fusion"));
    let plans = run::plans(&without, &recipe(Config::preset("small").expect("preset"))).expect("plans");
    assert!(!plans.is_empty() && plans.iter().all(|(_, text)| !text.contains("winograd_input")), "{plans:?}");
    // The doctor examines what is switched off as well.
    let all = open(true);
    assert!(!all.caps().headline().contains("switched off"));
    assert!(!without.caps().unchecked && !all.caps().unchecked, "checks are gone before they were looked at");
    let mut report = examine(&all, &|_, _| (), &mut |_| ()).expect("report");
    assert!(report.healthy() && report.keep(&all) && report.to_string().contains("this adapter computes right"), "{report}");
    assert!(!open(false).caps().headline().contains("switched off"), "a variant that passes stays off");
    // Checks in shaders go where they change no bit, and come back where they change one.
    let twin = all.unchecked().expect("device").expect("a twin");
    let target = Target::new(&all);
    let cases = || check::cases(&target).filter(|case| case.variant == "softmax");
    for (bit, says, unchecked) in [(0, "later runs go without", true), (1, "they stay", false)] {
        let flip = |_: &str, values: &mut [f32]| values[0] = f32::from_bits(values[0].to_bits() ^ bit);
        report.unchecked = Some(compare_unchecked(&all, &twin, cases(), &flip, &mut |_| ()).expect("compared"));
        assert!(report.keep(&all) && report.to_string().contains(says), "{report}");
        assert_eq!(open(false).caps().unchecked, unchecked, "{report}");
    }
}

/// In a process of its own, whose environment names a folder with a finding in it: a request by hand neither obeys it nor adds to it.
#[test]
fn a_request_without_a_cache_reads_and_leaves_no_file() {
    const CHILD: &str = "EMOTONE_TEST_WITHOUT_CACHE";
    if let Ok(adapter) = std::env::var(CHILD) {
        let device = Device::open(&AdapterRequest { name: Some(adapter), ..AdapterRequest::default() }).expect("device");
        assert!(!device.caps().headline().contains("switched off"));
        run::plans(&device, &recipe(Config::preset("tiny").expect("preset"))).expect("plans");
        let report = examine(&device, &|_, _| (), &mut |_| ()).expect("report");
        assert!(report.healthy() && !device.cache().remember("tuned.json", Some(&1)), "{report}");
        return;
    }
    let Some(found) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let (folder, caps) = (dir.path().join("emotone"), found.caps());
    let key = format!("{}|{}|{}|{}", caps.adapter, caps.backend, caps.driver, env!("CARGO_PKG_VERSION"));
    let files = || {
        let entries = std::fs::read_dir(&folder).expect("folder").map(|e| e.expect("entry").path());
        entries.map(|p| (p.clone(), std::fs::read_to_string(p).expect("text"))).collect::<std::collections::BTreeMap<_, _>>()
    };
    std::fs::create_dir(&folder).expect("folder");
    for (file, says) in [("switched-off.json", serde_json::json!(["winograd"])), ("self-check.json", serde_json::json!({ "0": null }))] {
        std::fs::write(folder.join(file), serde_json::json!({ key.clone(): says }).to_string()).expect("file");
    }
    let before = files();
    let mut child = Command::new(std::env::current_exe().expect("this test"));
    child
        .args(["--exact", "a_request_without_a_cache_reads_and_leaves_no_file"])
        .env(CHILD, &caps.adapter)
        .env("XDG_CACHE_HOME", dir.path());
    let done = child.output().expect("this test again");
    assert!(done.status.success() && String::from_utf8_lossy(&done.stdout).contains("1 passed"), "{done:?}");
    assert_eq!(files(), before);
}
