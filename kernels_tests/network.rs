//! Every registered network at its tiny size, without a line of its own, and Res-Trans with other settings.

use emotone::check::device;
use emotone::check::network::{derivative, frozen_trunk, golden, survives_a_file, tiny, verify};
use emotone::models;
use std::collections::BTreeMap;

#[test]
fn every_network_does_what_networks_must() {
    let Some(device) = device() else { return };
    for name in models::names() {
        let recipe = tiny(name, &[]).unwrap_or_else(|e| panic!("{name}: {e}"));
        verify(&device, &recipe).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn machines_with_kernels_are_solved_too() {
    let Some(device) = device() else { return };
    for cost in ["0.1", "10"] {
        let recipe = tiny("svm", &["model.kernel=rbf", &format!("model.cost={cost}")]).expect("recipe");
        verify(&device, &recipe).unwrap_or_else(|e| panic!("cost {cost}: {e}"));
    }
}

#[test]
fn a_ridge_on_an_encoder_is_solved() {
    let Some(device) = device() else { return };
    let recipe = tiny("encoder", &["model.head=ridge"]).expect("recipe");
    verify(&device, &recipe).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn every_variant_of_lstm_has_its_derivative() {
    let Some(device) = device() else { return };
    for variant in ["attention", "plain", "pool"] {
        let recipe = tiny("lstm", &[&format!("model.variant={variant}"), "sequence.frames=7"]).expect("recipe");
        // Recomputation is left out: of two plain layers the first alone takes the most memory, whatever is computed twice.
        let checks = [derivative(&device, &recipe, "joint"), frozen_trunk(&device, &recipe), survives_a_file(&device, &recipe)];
        checks.into_iter().for_each(|c| c.unwrap_or_else(|e| panic!("{variant}: {e}")));
    }
}

#[test]
fn the_gradient_of_res_trans_is_its_derivative_with_other_settings_too() {
    let Some(device) = device() else { return };
    let settings: [&[&str]; 3] = [
        &["model.token=channel", "model.position=none", "model.ln=unbiased_std"],
        &["model.token=spatial", "model.position=learned", "model.norm=post", "model.speaker_head=gap", "model.ln=unbiased_std"],
        &["model.se=false", "model.dropout=0"],
    ];
    for sets in settings {
        let recipe = tiny("res_trans", &[sets, &["model.width=4"]].concat()).expect("recipe");
        derivative(&device, &recipe, "joint").unwrap_or_else(|e| panic!("{sets:?}: {e}"));
    }
}

/// Losses of ten updates, recorded on software Vulkan (Mesa 25.0.7); other adapters round differently. A network without a line here must
/// give the same bits twice and learn; `EMOTONE_BLESS=1` prints the lines.
const GOLDEN: &str = include_str!("golden.json");

#[test]
fn ten_updates_follow_the_golden_losses() {
    let Some(device) = device() else { return };
    let recorded: BTreeMap<String, Vec<f64>> = serde_json::from_str(GOLDEN).expect("golden losses");
    for name in models::names() {
        let recipe = tiny(name, &[]).expect("recipe");
        // What is solved makes no updates; the test above looks at its solution.
        if recipe.config.network().expect("network").solver().is_some() {
            continue;
        }
        let losses = golden(&device, &recipe).unwrap_or_else(|e| panic!("{name}: {e}"));
        if std::env::var("EMOTONE_BLESS").is_ok() {
            println!("{name:?}: {losses:.4?}");
        }
        match recorded.get(name) {
            Some(want) => {
                let near = |(got, want): (&f64, &f64)| (got - want).abs() / want < 1e-3;
                let wrong = !losses.iter().zip(want).all(near) || losses.len() != want.len();
                assert!(!wrong, "{name}: losses {losses:.4?}, golden {want:?}");
            }
            None => {
                assert_eq!(losses, golden(&device, &recipe).expect("losses"), "{name}");
                assert!(losses[9] < 0.9 * losses[0], "{name} does not learn one batch: {losses:.4?}");
            }
        }
    }
}
