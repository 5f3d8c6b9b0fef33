//! Every kernel with operands in half precision.

use crate::case::device;
use emotone::check::{self, Compared};
use emotone::compile::{Options, Storage};
use emotone::kernels::Target;
use std::collections::{BTreeMap, BTreeSet};

/// Shaders whose values stay single: the optimiser's, losses of any logits, spectra, kernel matrices, the solution of a recurrence, and what
/// is computed by two floats at a time or in scratch memory alone.
const SINGLE: [&str; 22] = [
    "attention_decoder",
    "bce_with_logits",
    "copy",
    "cross_entropy",
    "decibel",
    "dft",
    "focal_bce",
    "in_place",
    "kl_distillation",
    "lens",
    "matmul_wide",
    "mel",
    "optimiser",
    "pre_emphasis",
    "rbf",
    "short_term",
    "squared_hinge",
    "squeeze_excite",
    "stft",
    "winograd_input",
    "winograd_output",
    "winograd_weight",
];

fn wrong(c: &Compared, allowed: f64) -> Option<String> {
    let error = c.error();
    (c.in_reach_of_halves() && error > allowed).then(|| format!("{} error {error:.2e} > {allowed:.1e}", c.role))
}

#[test]
fn every_op_computes_with_halves() {
    let Some(device) = device() else { return };
    if !device.caps().f16 {
        println!("skipped: {} has no half-precision numbers in shaders", device.caps().adapter);
        return;
    }
    let (mut count, mut failures) = (0, Vec::new());
    let (mut seen, mut single) = (BTreeSet::new(), BTreeMap::new());
    for case in check::cases(&Target::new(&device)) {
        let options = Options { storage: Storage::Throughout, ..Options::default() };
        let plan = case.plan(&device, &case.pass(), options).expect("plan");
        let mut new = false;
        for launch in plan.nodes.iter().flat_map(|n| n.once.iter().chain(&n.launches)) {
            // Mesa compiles for minutes what differs in its tunables alone.
            let tunables = if device.caps().software { Vec::new() } else { launch.tunables.clone() };
            new |= !launch.halves.is_empty() && seen.insert((launch.name(), tunables));
            *single.entry(launch.shader.stem).or_insert(true) &= launch.halves.is_empty();
        }
        // The other cases differ in their sizes.
        if !new {
            continue;
        }
        count += 1;
        let failed = match case.compare_kept(&device, Storage::Throughout) {
            Err(e) => vec![e.to_string()],
            Ok(all) => all.iter().filter_map(|c| wrong(c, case.tolerance + check::tol::HALVES)).collect(),
        };
        failures.extend(failed.iter().map(|how| format!("{} {}: {how}", case.variant, case.name)));
    }
    println!("{count} cases");
    assert!(failures.is_empty(), "{} failures in {count} cases:\n{}", failures.len(), failures.join("\n"));
    let unforeseen: Vec<_> = single.iter().filter(|(stem, single)| **single && !SINGLE.contains(stem)).collect();
    assert!(unforeseen.is_empty(), "no launch of these has halves: {unforeseen:?}");
}
