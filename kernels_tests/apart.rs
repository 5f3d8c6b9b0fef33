//! Launches whose operands lie apart, for browsers.

use emotone::check::{self, open};
use emotone::compile::{Location, Plan};
use emotone::gpu::{AdapterRequest, Launch};
use emotone::graph::Operand;
use emotone::kernels::Target;

/// Operands of a launch that lie where another does.
fn overlaps(plan: &Plan, launch: &Launch<Operand>) -> Vec<String> {
    let mut places: Vec<Location> = Vec::new();
    let mut found = Vec::new();
    for (name, operand) in &launch.bindings {
        let place = match operand {
            Operand::Value(v) => plan.locations[v].clone(),
            Operand::Scratch(n, i) => Location::Arena(plan.scratch[&(*n, *i)].0),
        };
        if places.contains(&place) {
            found.push(format!("{} {name}", launch.name()));
        }
        places.push(place);
    }
    found
}

#[test]
fn a_browser_binds_no_memory_twice() {
    let request = AdapterRequest::from_env();
    let Some(device) = open(&AdapterRequest { disable: [request.disable.clone(), vec!["overlap".into()]].concat(), ..request }) else {
        return;
    };
    let apart = Target::new(&device);
    assert!(apart.apart);
    let together = Target { apart: false, ..apart.clone() };
    let (mut differ, mut failures) = (0, Vec::new());
    for case in check::cases(&apart) {
        let [whole, parted] = [&together, &apart].map(|target| case.plan_on(target).expect("plan"));
        let launches =
            |plan: &Plan| plan.nodes.iter().flat_map(|n| n.once.iter().chain(&n.launches)).flat_map(|l| overlaps(plan, l)).collect();
        let (before, after): (Vec<String>, Vec<String>) = (launches(&whole), launches(&parted));
        failures.extend(after.iter().map(|which| format!("{} {}: {which}", case.variant, case.name)));
        if before.is_empty() {
            assert_eq!(whole.launches(), parted.launches(), "{} {}: a copy that nobody needs", case.variant, case.name);
            continue;
        }
        differ += 1;
        match case.verify(&device) {
            Ok((error, _)) if error <= case.tolerance => {}
            other => failures.push(format!("{} {}: {other:?}", case.variant, case.name)),
        }
    }
    println!("{differ} cases with operands that share memory");
    assert!(differ > 0 && failures.is_empty(), "{failures:#?}");
}
