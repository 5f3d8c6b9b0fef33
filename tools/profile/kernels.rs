//! `profile kernels`: the cases of `cargo bench`.

use super::cases::{Bench, cases};
use super::gauge::Gauge;
use super::report::{Report, Row, median};
use anyhow::{Result, ensure};
use emotone::gpu::Device;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub struct KernelArgs {
    /// Words that a case's name must contain, such as "conv 3x3" or dw; all must match.
    filter: Vec<String>,
    /// Images of a batch.
    #[arg(long, default_value_t = 8)]
    batch: usize,
    /// Also the launches that a case is made of.
    #[arg(long)]
    detail: bool,
    /// Print the names of the cases only.
    #[arg(long)]
    list: bool,
    /// Seconds after which a case has run often enough, from five runs on.
    #[arg(long, default_value_t = 4.0)]
    patience: f64,
}

impl KernelArgs {
    /// Prints the names of the chosen cases, if that is all that is asked for.
    pub fn list(&self) -> Result<bool> {
        if self.list {
            self.chosen()?.iter().for_each(|c| println!("{}", c.name));
        }
        Ok(self.list)
    }

    fn chosen(&self) -> Result<Vec<Bench>> {
        let mut all = cases(self.batch)?;
        all.retain(|c| self.filter.iter().all(|f| c.name.contains(f)));
        ensure!(!all.is_empty(), "no case contains {:?}; `--list` names them", self.filter.join(" and "));
        Ok(all)
    }

    pub fn profile(&self, device: &Arc<Device>, runs: usize, gauge: &mut Gauge, report: &mut Report) -> Result<()> {
        report.what = format!("kernels, batch {}", self.batch);
        for case in self.chosen()? {
            let ready = case.ready(device)?;
            let launches = ready.launches();
            let start = Instant::now();
            let mut times: Vec<Vec<Duration>> = Vec::new();
            while times.len() < runs && (times.len() < 5 || start.elapsed().as_secs_f64() < self.patience) {
                times.push(ready.times()?);
            }
            gauge.sample()?;
            let ms = |d: Duration| d.as_secs_f64() * 1e3;
            let row = Row {
                name: case.name.clone(),
                launches: launches.len(),
                flops: ready.cost().0,
                bytes: ready.cost().1,
                samples: times.iter().map(|t| ms(t.iter().sum())).collect(),
            };
            eprintln!("{}: {:.3} ms", row.name, row.median());
            report.rows.push(row);
            if self.detail && launches.len() > 1 {
                for (i, l) in launches.iter().enumerate() {
                    let name = format!("  {} {} {}", case.name, i + 1, l.entry);
                    let samples: Vec<f64> = times.iter().map(|t| ms(t[i])).collect();
                    eprintln!("{name}: {:.3} ms", median(&samples));
                    report.rows.push(Row { name, launches: 1, flops: l.flops, bytes: l.bytes, samples });
                }
            }
        }
        // Few cases: enough controls to compare with, all the same.
        (report.rows.len()..runs).try_for_each(|_| gauge.sample())?;
        Ok(())
    }
}
