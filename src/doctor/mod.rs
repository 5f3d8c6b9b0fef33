//! Does this adapter compute right? Every kernel variant it could be given, against plain loops in f64, at awkward sizes.

use crate::check::{self, Case, Compared, tol};
use crate::compile::Storage;
use crate::gpu::cache::{SWITCHED_OFF, UNCHECKED};
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

/// Shaders with wgpu's bounds on loops and indices beside shaders without.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Unchecked {
    /// Cases compared.
    pub cases: usize,
    /// Those whose bits differ, or that could not run, and how.
    pub differing: Vec<String>,
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
    /// Whether wgpu's checks in shaders change anything, where that was compared.
    pub unchecked: Option<Unchecked>,
    /// Variants.
    pub findings: Vec<Finding>,
}

/// Runs every case on the doctor's list that the adapter can run. `tamper` may change what a finding's variant computed before it is compared:
/// tests show with it that a wrong result is found.
///
/// # Errors
/// A device that is lost; what a single case cannot do is a finding.
pub fn examine(device: &Arc<Device>, tamper: &dyn Fn(&str, &mut [f32]), progress: &mut dyn FnMut(&str)) -> Result<Report> {
    examine_cases(device, check::cases(&Target::new(device)), tamper, progress)
}

/// The same of those of `cases` that are on the doctor's list.
///
/// # Errors
/// As [`examine`].
pub fn examine_cases(
    device: &Arc<Device>,
    cases: impl IntoIterator<Item = Case>,
    tamper: &dyn Fn(&str, &mut [f32]),
    progress: &mut dyn FnMut(&str),
) -> Result<Report> {
    let began = Instant::now();
    let caps: &Capabilities = device.caps();
    let mut findings: Vec<Finding> = Vec::new();
    for (case, tolerance) in cases.into_iter().filter_map(|c| c.doctor.map(|tolerance| (c, tolerance))) {
        progress(&case.variant);
        for storage in storages(caps) {
            let finding = Finding::of(&case, tolerance, *storage);
            let outcome = match tensors(&case, device, *storage, &|values| tamper(&finding.variant, values)) {
                Err(e @ Error::DeviceLost(_)) => return Err(e),
                outcome => outcome,
            };
            let at = findings.iter().position(|f| f.variant == finding.variant).unwrap_or_else(|| {
                findings.push(finding);
                findings.len() - 1
            });
            findings[at].add(&case, outcome.map(|all| all.iter().fold(0f64, |worst, t| worst.max(t.error()))));
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
        unchecked: None,
        findings,
    })
}

/// Whether wgpu's checks in shaders change a bit of any case there is. `None` where the request keeps them, and unless `anyway` on adapters that
/// compute on the processor: they gain too little by it for the minutes it takes there.
///
/// # Errors
/// An adapter that cannot be opened again, or is lost.
pub fn unchecked(device: &Arc<Device>, anyway: bool, progress: &mut dyn FnMut(&str)) -> Result<Option<Unchecked>> {
    if device.caps().processor && !anyway {
        return Ok(None);
    }
    let Some(twin) = device.unchecked()? else { return Ok(None) };
    compare_unchecked(device, &twin, check::cases(&Target::new(device)), &|_, _| (), progress).map(Some)
}

/// Runs `cases` on `device` and on `twin`, its device for unchecked shaders, and looks at every bit. `tamper` may change what the first
/// computed.
///
/// # Errors
/// `device` is lost; what else a case cannot do is a difference.
pub fn compare_unchecked(
    device: &Arc<Device>,
    twin: &Arc<Device>,
    cases: impl IntoIterator<Item = Case>,
    tamper: &dyn Fn(&str, &mut [f32]),
    progress: &mut dyn FnMut(&str),
) -> Result<Unchecked> {
    let mut all = Unchecked::default();
    for case in cases {
        progress(&case.variant);
        all.cases += 1;
        let differs = match tensors(&case, device, Storage::Single, &|values| tamper(&case.variant, values)) {
            Err(e @ Error::DeviceLost(_)) => return Err(e),
            Err(e) => Some(e.to_string()),
            Ok(with) => match case.compare(twin) {
                Err(e) => Some(e.to_string()),
                Ok(without) => with.iter().zip(&without).find(|(a, b)| bits(a) != bits(b)).map(|(a, _)| format!("{} differs", a.role)),
            },
        };
        all.differing.extend(differs.map(|how| format!("{}, {}: {how}", case.variant, case.name)));
    }
    Ok(all)
}

fn bits(tensor: &Compared) -> Vec<u32> {
    tensor.got.iter().map(|v| v.to_bits()).collect()
}

/// How values are kept when a case is run. Mesa's software takes minutes to compile everything again for halves, and gains nothing by them.
fn storages(caps: &Capabilities) -> &'static [Storage] {
    if caps.f16 && !caps.software { &[Storage::Single, Storage::Throughout] } else { &[Storage::Single] }
}

/// A case's tensors, but what lies beyond the reach of the numbers they are kept in.
fn tensors(case: &Case, device: &Arc<Device>, storage: Storage, tamper: &dyn Fn(&mut [f32])) -> Result<Vec<Compared>> {
    let mut all = case.compare_kept(device, storage)?;
    all.retain(|tensor| storage == Storage::Single || tensor.in_reach_of_halves());
    all.iter_mut().for_each(|tensor| tamper(&mut tensor.got));
    Ok(all)
}

impl Finding {
    /// Of a case's variant, with values kept as `storage` says; nothing found yet.
    fn of(case: &Case, tolerance: f64, storage: Storage) -> Self {
        let (variant, switch, tolerance) = match storage {
            Storage::Single => (case.variant.clone(), case.switch, tolerance),
            _ => (format!("{}, halves", case.variant), Some("f16"), tolerance + tol::HALVES),
        };
        Finding { variant, switch, cases: 0, worst: Some(0.0), tolerance, failures: Vec::new() }
    }

    /// Takes in the largest error of a case, or why it could not run.
    fn add(&mut self, case: &Case, outcome: Result<f64>) {
        self.cases += 1;
        match outcome {
            Ok(e) if e <= self.tolerance => self.worst = self.worst.map(|w| w.max(e)),
            Ok(e) => {
                self.worst = self.worst.filter(|_| e.is_finite()).map(|w| w.max(e));
                self.failures.push(format!("{}: error {e:.1e}", case.name));
            }
            Err(e) => {
                self.worst = None;
                self.failures.push(format!("{}: {e}", case.name));
            }
        }
    }
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

    /// Whether shaders may go without wgpu's checks here.
    pub fn needs_no_checks(&self) -> bool {
        self.healthy() && self.unchecked.as_ref().is_some_and(|u| u.cases > 0 && u.differing.is_empty())
    }

    /// Makes later programs on this adapter and driver do without the variants that failed, and without wgpu's checks where those change
    /// nothing; what passes is used again.
    pub fn keep(&self, device: &Device) -> bool {
        let (switches, cache) = (self.switches(), device.cache());
        let unchecked = self.unchecked.is_none() || cache.remember(UNCHECKED, self.needs_no_checks().then_some(&true));
        cache.remember(SWITCHED_OFF, Some(&switches).filter(|s| !s.is_empty())) && unchecked
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
        write!(f, "{} variants, {cases} cases in {:.1} s: {end}", self.findings.len(), self.seconds)?;
        let Some(u) = &self.unchecked else { return Ok(()) };
        match u.differing.first() {
            None => write!(f, "\nwithout wgpu's checks in shaders all {} cases compute the same bits: later runs go without", u.cases),
            Some(first) => {
                write!(f, "\nwithout wgpu's checks in shaders {} of {} cases differ ({first}): they stay", u.differing.len(), u.cases)
            }
        }
    }
}
