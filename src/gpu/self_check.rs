//! The start-up check: a few milliseconds that catch drivers which compute wrong results, remembered per driver version.

use super::{Capabilities, Device, Launch, Shader};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

static SHADER: Shader = Shader { stem: "self_check", source: include_str!("../../shaders/self_check.wgsl") };

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    outer: u32,
    inner: u32,
    _pad: [u32; 2],
}

/// What was found on an adapter that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Verified width of subgroups.
    pub subgroup_size: Option<u32>,
}

/// Checks the device, or recalls that this adapter, driver and version of the engine passed before.
///
/// # Errors
/// [`Error::Adapter`] with what is wrong and what to install.
pub(super) fn check(device: &Device) -> Result<Verdict> {
    let key = key(device.caps());
    let mut known = recall();
    if let Some(v) = known.get(&key) {
        return Ok(*v);
    }
    let verdict = run(device)?;
    known.insert(key, verdict);
    remember(&known);
    Ok(verdict)
}

fn key(caps: &Capabilities) -> String {
    format!("{}|{}|{}|{:?}|{}", caps.adapter, caps.backend, caps.driver, caps.subgroup_size, env!("CARGO_PKG_VERSION"))
}

fn run(device: &Device) -> Result<Verdict> {
    let caps = device.caps();
    let fail = |what: String| {
        let install = if caps.software || caps.driver.contains("Mesa 22") {
            "install a newer Mesa (on Debian 12 from the backports suite), which `tools/with-gpu` does"
        } else {
            "update the graphics driver, or choose another adapter with --adapter"
        };
        Err(Error::Adapter {
            adapter: caps.adapter.clone(),
            reason: format!("its driver ({}) computes wrong results: {what}; {install}", caps.driver),
        })
    };
    let out = launch(device, "check_loops")?;
    if out[0] != 90_000.0 {
        return fail(format!("90000 loop iterations counted as {}", out[0]));
    }
    let (exp, root) = ((-1f32).exp(), 300f32.sqrt() / 300.0);
    if out[1] != 2080.0 || (out[2] - exp).abs() > 1e-5 || (out[3] - root).abs() > 1e-6 {
        return fail(format!("a sum of 1..64 gave {}, exp(-1) {}, sqrt(300)/300 {}", out[1], out[2], out[3]));
    }
    let subgroup_size = match caps.subgroup_size {
        None => None,
        // Not an error: the engine has variants that need no subgroups.
        Some(size) => {
            let out = launch(device, "check_lanes")?;
            (out[0] == size as f32 && out[1] == 7.0 && out[2] == size as f32).then_some(size)
        }
    };
    Ok(Verdict { subgroup_size })
}

fn launch(device: &Device, entry: &'static str) -> Result<Vec<f32>> {
    let out = device.buffer("self-check", 16)?;
    let params = Params { outer: 300, inner: 300, _pad: [0; 2] };
    let recording = device.record(&[Launch::new(&SHADER, entry, &params).bind("out", out.all()).linear(1)])?;
    device.replay(&recording)?;
    Ok(bytemuck::pod_collect_to_vec(&device.read(&out.all())?))
}

/// Where verdicts are kept; none where the system has no home.
fn file() -> Option<PathBuf> {
    let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = var("XDG_CACHE_HOME").or_else(|| var("HOME").map(|h| h.join(".cache"))).or_else(|| var("LOCALAPPDATA"))?;
    Some(cache.join("emotone").join("self-check.json"))
}

fn recall() -> BTreeMap<String, Verdict> {
    let text = file().and_then(|f| std::fs::read_to_string(f).ok());
    text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default()
}

/// Writes the verdicts; a failure only means that the next start checks again.
fn remember(known: &BTreeMap<String, Verdict>) {
    let write = || -> Option<()> {
        let path = file()?;
        let dir = path.parent()?;
        std::fs::create_dir_all(dir).ok()?;
        let mut tmp = tempfile::NamedTempFile::new_in(dir).ok()?;
        tmp.write_all(serde_json::to_string_pretty(known).ok()?.as_bytes()).ok()?;
        tmp.persist(path).ok()?;
        Some(())
    };
    let _ = write();
}
