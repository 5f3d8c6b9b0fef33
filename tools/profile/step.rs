//! `profile step`: a training step of a network, part by part, and as a whole.

use super::gauge::Gauge;
use super::report::{Report, Row, median};
use super::step_args::StepArgs;
use anyhow::Result;
use clap::ValueEnum;
use emotone::compile::Plan;
use emotone::gpu::Device;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Launches that are one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// The same entry point.
    Entry,
    /// The same entry point with the same tunables.
    Variant,
    /// The same place in the model.
    Node,
    /// Each for itself.
    Launch,
}

#[derive(clap::Args)]
pub struct StepProfile {
    #[command(flatten)]
    step: StepArgs,
    /// How launches are grouped.
    #[arg(long, value_enum, default_value_t = By::Entry)]
    by: By,
    /// Steps before the clock starts.
    #[arg(long, default_value_t = 2)]
    warmup: usize,
}

impl StepProfile {
    pub fn profile(&self, device: &Arc<Device>, runs: usize, gauge: &mut Gauge, report: &mut Report) -> Result<()> {
        let s = &self.step;
        let (mut learner, batch) = s.learner(device)?;
        for _ in 0..self.warmup.max(1) {
            learner.update(&batch, 1e-4)?.done()?;
        }
        learner.program().run_timed()?;
        // In turns, so that a machine whose speed wanders treats all alike.
        let (mut parts, mut whole, mut updates) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..runs {
            gauge.sample()?;
            let start = Instant::now();
            learner.update(&batch, 1e-4)?.done()?;
            device.wait()?;
            updates.push(start.elapsed().as_secs_f64() * 1e3);
            let start = Instant::now();
            learner.program().run()?;
            device.wait()?;
            whole.push(start.elapsed().as_secs_f64() * 1e3);
            let times = learner.program().run_timed()?;
            parts.push(times.iter().map(|t| t.as_secs_f64() * 1e3).collect::<Vec<_>>());
        }
        let plan = learner.plan();
        report.what = match s.network.as_str() {
            "res_trans" => format!(
                "step of Res-Trans, stage {}, batch {}, size {}, width {}, depth {}, by {:?}",
                s.stage, s.batch, s.size, s.width, s.depth, self.by
            ),
            other => format!("step of {other}, stage {}, batch {}, size {}, by {:?}", s.stage, s.batch, s.size, self.by),
        };
        report.rows = self.rows(plan, &parts);
        let launches = plan.launches();
        let total = |name: &str, samples: Vec<f64>| Row { name: name.into(), launches, flops: plan.flops(), bytes: plan.bytes(), samples };
        let sums: Vec<f64> = parts.iter().map(|p| p.iter().sum()).collect();
        let difference = median(&whole.iter().zip(&sums).map(|(w, s)| w - s).collect::<Vec<_>>());
        report.totals = vec![
            total("= all launches, sum of each step", sums),
            total("= the step, submitted as a whole", whole),
            total("= with upload and reading the loss", updates),
        ];
        let each = 1e3 * difference / launches as f64;
        // Below zero where a pass of its own, which a timed launch has, costs more than a place in a common one.
        println!("\nwhole step less the sum of its launches: {difference:.3} ms, {each:.2} us for each of {launches} launches");
        if !device.caps().timestamps {
            println!("no timestamps: the sum holds the cost of submitting and waiting {launches} times, each as the empty launch above");
        }
        Ok(())
    }

    fn rows(&self, plan: &Plan, parts: &[Vec<f64>]) -> Vec<Row> {
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        let mut at = 0;
        for row in &plan.nodes {
            let (scope, op) = plan.label(row.node);
            for l in &row.launches {
                let entry = if l.entry.starts_with(l.shader.stem) { l.entry.into() } else { format!("{}::{}", l.shader.stem, l.entry) };
                let tunables: String = l.tunables.iter().map(|(name, value)| format!(" {name}={value}")).collect();
                let name = match self.by {
                    By::Entry => entry,
                    By::Variant => entry + &tunables,
                    By::Node => format!("{scope} {op}").trim().to_string(),
                    By::Launch => format!("{at} {scope} {}{tunables}", l.entry),
                };
                let sum = rows.entry(name.clone()).or_insert_with(|| Row {
                    name,
                    launches: 0,
                    flops: 0,
                    bytes: 0,
                    samples: vec![0.0; parts.len()],
                });
                sum.launches += 1;
                sum.flops += l.flops;
                sum.bytes += l.bytes;
                sum.samples.iter_mut().zip(parts).for_each(|(s, p)| *s += p[at]);
                at += 1;
            }
        }
        rows.into_values().collect()
    }
}
