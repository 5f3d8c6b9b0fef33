//! Data-parallel training: several learners share a batch, and make the bits that one makes of micro-batches.

mod common;

use common::{device, recipe};
use emotone::nn::Weights;
use emotone::reference::noise;
use emotone::train::config::Config;
use emotone::train::learner::Learner;
use emotone::train::recipe::{Recipe, Source};
use emotone::train::step::{Batch, Step, Worker};

/// Rows of a part.
const ROWS: usize = 4;

fn parts(parts: usize) -> Recipe {
    let mut config = Config::preset("tiny").expect("preset");
    let (batch, micro) = (format!("train.batch={}", ROWS * parts), format!("train.micro_batches={parts}"));
    for s in ["image.size=32", "stage.single.augment=false", "model.dropout=0.3", &batch, &micro] {
        config.set(s).expect("setting");
    }
    recipe(config)
}

fn batch(seed: u64) -> Batch {
    let x = noise(seed, ROWS * 32 * 32).iter().map(|&v| v as f32).collect();
    let emotion = (0..ROWS * 4).map(|i| f32::from(u8::from(i % 4 == i / 4 % 4))).collect();
    Batch { x, targets: [("emotion".to_string(), emotion)].into(), ..Batch::default() }
}

/// Weights and averages that all workers must have in common; batch statistics belong to each.
fn common_state(learner: &Learner) -> Weights {
    learner.snapshot().expect("snapshot").into_iter().filter(|(name, _)| !name.contains("running_")).collect()
}

#[test]
fn workers_that_exchange_gradients_make_the_bits_of_micro_batches() {
    let Some(device) = device() else { return };
    let (whole, part) = (parts(2), parts(1));
    let stage = &whole.config.stage["single"];
    let mut one = Learner::new(&device, &whole, stage, Source::Raw, &Weights::new()).expect("learner");
    let mut workers: Vec<Learner> = (0..2)
        .map(|index| Learner::for_worker(&device, &part, stage, Source::Raw, &Weights::new(), Worker { index, count: 2 }).expect("worker"))
        .collect();
    for step in 0..3 {
        let batches = [batch(10 * step), batch(10 * step + 1)];
        let update = one.update(&batches, 1e-3).and_then(Step::done).expect("update");
        let losses: Vec<f64> =
            workers.iter_mut().zip(&batches).map(|(w, b)| w.add_gradients(std::slice::from_ref(b)).expect("loss")).collect();
        assert_eq!(update.loss, (losses[0] + losses[1]) / 2.0);
        let sums: Vec<Vec<f32>> = workers.iter().map(|w| w.gradient_sum().expect("gradients")).collect();
        let sum: Vec<f32> = sums[0].iter().zip(&sums[1]).map(|(a, b)| a + b).collect();
        for w in &mut workers {
            w.set_gradient_sum(&sum).expect("exchange");
            assert_eq!(w.apply(1e-3).expect("update"), update.norm);
        }
    }
    let want = common_state(&one);
    assert!(want.len() > 100 && workers.iter().all(|w| common_state(w) == want));
    assert!(one.add_gradients(&[batch(0)]).is_ok(), "a learner of micro-batches has sums as well");
    let mut alone = Learner::new(&device, &part, stage, Source::Raw, &Weights::new()).expect("learner");
    assert!(alone.add_gradients(&[batch(0)]).is_err_and(|e| e.to_string().contains("on its own")));
}
