//! Does this adapter compute right? Every kernel variant it could be given, against plain loops in f64, at awkward sizes.

use crate::check::{self, Case};
use crate::gpu::cache::SWITCHED_OFF;
use crate::gpu::{Capabilities, Device};
use crate::kernels::Target;
use crate::{Error, Result};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// One variant: all its cases.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Kernel and variant.
    pub variant: String,
    /// The word that switches the variant off, where another can stand in for it.
    pub switch: Option<&'static str>,
    /// Cases run.
    pub cases: usize,
    /// Largest error, relative to the largest value of its tensor; `None` when something was not a number or could not run.
    pub worst: Option<f64>,
    /// Largest error allowed.
    pub tolerance: f64,
    /// Cases that failed, and how.
    pub failures: Vec<String>,
}

/// What was found on an adapter, for reading and as JSON for a bug report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Version of the engine.
    pub version: &'static str,
    /// Adapter.
    pub adapter: String,
    /// Vulkan, Metal or DX12.
    pub backend: String,
    /// Driver and version.
    pub driver: String,
    /// Lanes of a subgroup, where fixed.
    pub subgroup_size: Option<u32>,
    /// Side of its cooperative matrices, where it has any.
    pub cooperative: Option<u32>,
    /// Seconds it took.
    pub seconds: f64,
    /// Variants.
    pub findings: Vec<Finding>,
}

/// Runs every case the adapter can run. `tamper` may change what a case's variant computed before it is compared: tests show with it
/// that a wrong result is found.
///
/// # Errors
/// A device that is lost; what a single case cannot do is a finding.
pub fn examine(device: &Arc<Device>, tamper: &dyn Fn(&str, &mut [f32]), progress: &mut dyn FnMut(&str)) -> Result<Report> {
    let began = Instant::now();
    let caps: &Capabilities = device.caps();
    let mut findings: Vec<Finding> = Vec::new();
    for (case, tolerance) in check::cases(&Target::new(device)).filter_map(|c| c.doctor.map(|tolerance| (c, tolerance))) {
        progress(&case.variant);
        let outcome = match error(&case, device, tamper) {
            Err(e @ Error::DeviceLost(_)) => return Err(e),
            outcome => outcome,
        };
        let at = findings.iter().position(|f| f.variant == case.variant).unwrap_or_else(|| {
            let (variant, switch) = (case.variant.clone(), case.switch);
            findings.push(Finding { variant, switch, cases: 0, worst: Some(0.0), tolerance, failures: Vec::new() });
            findings.len() - 1
        });
        let f = &mut findings[at];
        f.cases += 1;
        match outcome {
            Ok(e) if e <= tolerance => f.worst = f.worst.map(|w| w.max(e)),
            Ok(e) => {
                f.worst = f.worst.filter(|_| e.is_finite()).map(|w| w.max(e));
                f.failures.push(format!("{}: error {e:.1e}", case.name));
            }
            Err(e) => {
                f.worst = None;
                f.failures.push(format!("{}: {e}", case.name));
            }
        }
    }
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        adapter: caps.adapter.clone(),
        backend: caps.backend.clone(),
        driver: caps.driver.clone(),
        subgroup_size: caps.subgroup_size,
        cooperative: caps.cooperative,
        seconds: began.elapsed().as_secs_f64(),
        findings,
    })
}

/// The largest error of a case's tensors.
fn error(case: &Case, device: &Arc<Device>, tamper: &dyn Fn(&str, &mut [f32])) -> Result<f64> {
    let mut worst = 0.0f64;
    for mut tensor in case.compare(device)? {
        tamper(&case.variant, &mut tensor.got);
        worst = worst.max(tensor.error());
    }
    Ok(worst)
}

impl Report {
    /// Whether every variant computes right.
    pub fn healthy(&self) -> bool {
        self.findings.iter().all(|f| f.failures.is_empty())
    }

    /// Words that switch off the variants that failed.
    pub fn switches(&self) -> Vec<String> {
        let mut words: Vec<String> =
            self.findings.iter().filter(|f| !f.failures.is_empty()).filter_map(|f| f.switch).map(String::from).collect();
        words.sort();
        words.dedup();
        words
    }

    /// Whether the engine can go on, without the variants that failed.
    pub fn usable(&self) -> bool {
        self.findings.iter().all(|f| f.failures.is_empty() || f.switch.is_some())
    }

    /// Makes later programs on this adapter and driver do without the variants that failed; one that passes is used again.
    pub fn keep(&self, device: &Device) -> bool {
        let switches = self.switches();
        device.cache().remember(SWITCHED_OFF, Some(&switches).filter(|s| !s.is_empty()))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:44} {:>5} {:>10} {:>9}  verdict", "variant", "cases", "worst", "allowed")?;
        for x in &self.findings {
            let worst = x.worst.map_or("NaN".to_string(), |w| format!("{w:.1e}"));
            let verdict = if x.failures.is_empty() { "ok" } else { "WRONG" };
            writeln!(f, "{:44} {:>5} {worst:>10} {:>9.0e}  {verdict}", x.variant, x.cases, x.tolerance)?;
            x.failures.iter().take(3).try_for_each(|why| writeln!(f, "    {why}"))?;
        }
        let cases: usize = self.findings.iter().map(|x| x.cases).sum();
        let end = match (self.healthy(), self.usable()) {
            (true, _) => "this adapter computes right".to_string(),
            (_, true) => format!("switched off on this adapter and driver: {}; the engine goes on without", self.switches().join(", ")),
            _ => "this adapter and driver compute wrong results where nothing can stand in; update the driver or choose another adapter"
                .into(),
        };
        write!(f, "{} variants, {cases} cases in {:.1} s: {end}", self.findings.len(), self.seconds)
    }
}
