//! Ops that take their producers in save launches.

use crate::case::device;
use emotone::check::fusion::savings;
use emotone::compile::{Options, TrialPass};
use emotone::kernels::Target;

#[test]
fn launches_are_saved_forward_and_with_gradients() {
    let Some(device) = device() else { return };
    if !device.allows("fusion") {
        eprintln!("SKIPPED: fusion is switched off");
        return;
    }
    for (case, want) in savings(&Target::new(&device)).iter().filter_map(|(case, want)| Some((case, (*want)?))) {
        let saved = [TrialPass::Forward, case.pass()].map(|pass| {
            let launches = |unfused| case.plan(&device, &pass, Options { unfused, ..Options::default() }).expect("plan").launches();
            launches(true) - launches(false)
        });
        assert_eq!(saved, want, "{} {}", case.variant, case.name);
    }
}
