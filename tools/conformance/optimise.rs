//! Optimiser cases: several updates of one parameter in state, as training runs them.

use crate::file::File;
use anyhow::{Result, anyhow};
use emotone::check::{Case, Input, each_run, given};
use emotone::ops::{self, OPTIMISER_SCALARS};

/// Whether an op is an update rule.
pub fn is_rule(op: &str) -> bool {
    ["adamw", "sgd", "rmsprop"].contains(&op)
}

/// The scalars of an update, counted from 0.
fn scalars(file: &File, step: usize) -> [f32; OPTIMISER_SCALARS] {
    let number = |key: &str| file.number(key).unwrap_or(0.0);
    match file.meta.op.as_str() {
        "adamw" => {
            let betas = [0, 1].map(|i| file.meta.attrs["betas"][i].as_f64().unwrap_or(0.0));
            ops::adamw_scalars(number("lr"), number("weight_decay"), betas, number("eps"), step as u64 + 1)
        }
        "sgd" => ops::sgd_scalars(number("lr"), number("weight_decay"), number("momentum")),
        _ => ops::rmsprop_scalars(number("lr"), 0.0, 0.0, number("alpha"), number("eps")),
    }
}

/// The updates, of which the parameter after the last one is known.
pub fn case(file: &File) -> Result<Case> {
    let n = file.tensor("param")?.0.elements();
    let steps = file.count("steps")?;
    let state = |values: Vec<f64>| given([n], values).state();
    let grads = (0..steps).map(|step| file.values(&format!("grad{step}"))).collect::<Result<Vec<_>>>()?;
    let scalars: Vec<Vec<f64>> = (0..steps).map(|step| scalars(file, step).map(f64::from).into()).collect();
    let inputs: [Input; 5] = [
        state(file.values("param")?),
        state(vec![0.0; n]),
        state(vec![0.0; n]),
        each_run([n], move |run| grads[run].clone()),
        each_run([OPTIMISER_SCALARS], move |run| scalars[run].clone()),
    ];
    let op = file.meta.op.clone();
    let case = Case::new(op.clone(), file.name.clone(), inputs, move |g, x| match op.as_str() {
        "adamw" => ops::adamw(g, x[0], x[3], x[1], x[2], x[4], None),
        "sgd" => ops::sgd(g, x[0], x[3], x[1], x[4], None),
        _ => ops::rmsprop(g, x[0], x[3], x[1], x[2], x[4], None),
    });
    let want = file.values("param_out")?;
    let last = steps.checked_sub(1).ok_or_else(|| anyhow!("no steps"))?;
    Ok(case.forward(move |x| vec![(x.run == last).then(|| want.clone()), None, None]).runs(steps))
}
