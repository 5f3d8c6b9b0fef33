//! The start-up check: a few milliseconds that catch drivers which compute wrong results, remembered per driver version.

use super::{Device, Launch, Shader};
use crate::{Error, Result};
use std::collections::BTreeMap;

static SHADER: Shader = Shader::new("self_check", include_str!("../../shaders/self_check.wgsl"));
static SUBGROUP_SHADER: Shader = Shader::new("self_check_subgroup", include_str!("../../shaders/self_check_subgroup.wgsl"));

/// Width of subgroups that the adapter states -> width verified, by adapter and driver.
const FILE: &str = "self-check.json";

/// Checks the device, or recalls that this adapter, driver and version of the engine passed before. Returns the verified width of
/// subgroups.
///
/// # Errors
/// [`Error::Adapter`] with what is wrong and what to install.
pub(super) async fn check(device: &Device) -> Result<Option<u32>> {
    let stated = device.caps().subgroup_size.unwrap_or(0);
    let mut known: BTreeMap<u32, Option<u32>> = device.cache().recall(FILE).unwrap_or_default();
    if let Some(verified) = known.get(&stated) {
        return Ok(*verified);
    }
    let verified = run(device).await?;
    known.insert(stated, verified);
    // A verdict that cannot be kept is found again at the next start.
    device.cache().remember(FILE, Some(&known));
    Ok(verified)
}

async fn run(device: &Device) -> Result<Option<u32>> {
    let caps = device.caps();
    if let Some(what) = wrong(&launch(device, &SHADER, "check_loops").await?) {
        let install = if caps.driver.contains("Mesa") {
            "install a newer Mesa (on Debian 12 from the backports suite), which `tools/with-gpu` does where there is no GPU"
        } else {
            "update the graphics driver, or choose another adapter with --adapter"
        };
        return Err(Error::Adapter {
            adapter: caps.adapter.clone(),
            reason: format!("its driver ({}) computes wrong results: {what}; {install}", caps.driver),
        });
    }
    let Some(size) = caps.subgroup_size else { return Ok(None) };
    let out = launch(device, &SUBGROUP_SHADER, "check_lanes").await?;
    // Not an error: the engine has variants that need no subgroups.
    Ok((out[0] == size as f32 && out[1] == 7.0 && out[2] == size as f32).then_some(size))
}

/// What `check_loops` should not have written, if anything. NaN is wrong too, hence the direction of the comparisons.
fn wrong(out: &[f32]) -> Option<String> {
    let within = |i: usize, want: f32, tolerance: f32| out.get(i).is_some_and(|got| (got - want).abs() <= tolerance);
    if !within(0, 90_000.0, 0.0) {
        return Some(format!("of 90000 loop iterations it counts {:?}", out.first().copied().unwrap_or(f32::NAN)));
    }
    let right = within(1, 2080.0, 0.0) && within(2, (-1f32).exp(), 1e-5) && within(3, 300f32.sqrt() / 300.0, 1e-6);
    (!right).then(|| format!("the sum of 1 to 64, exp(-1) and sqrt(300)/300 came out as {:?}", &out[1..]))
}

async fn launch(device: &Device, shader: &'static Shader, entry: &'static str) -> Result<Vec<f32>> {
    let out = device.buffer_async("self-check", 16).await?;
    let check = Launch::new(shader, entry).set("outer", 300u32).set("inner", 300u32).bind("out", out.all());
    let recording = device.record_async(&[check]).await?;
    device.replay(&recording)?;
    Ok(bytemuck::pod_collect_to_vec(&device.read_async(&out.all()).await?))
}

#[cfg(test)]
mod tests {
    use super::super::blocking::wait_for;
    use super::super::{AdapterRequest, LimitsChoice};
    use super::*;

    const RIGHT: [f32; 4] = [90_000.0, 2080.0, 0.367_879_44, 0.057_735_026];

    #[test]
    fn wrong_values_are_told() {
        assert_eq!(wrong(&RIGHT), None);
        for (i, bad) in [(0, 65_101.0), (1, 2079.0), (2, 0.3), (3, 0.0577), (0, f32::NAN), (1, f32::NAN), (2, f32::NAN), (3, f32::NAN)] {
            let mut out = RIGHT;
            out[i] = bad;
            let what = wrong(&out).unwrap_or_else(|| panic!("{bad} at {i} passes"));
            assert!(what.contains(&format!("{bad:?}")), "{what}");
        }
    }

    #[test]
    fn this_adapter_computes_right_with_and_without_features() {
        for limits in [LimitsChoice::Adapter, LimitsChoice::Default] {
            let request = AdapterRequest { limits, allow_unchecked_driver: true, ..AdapterRequest::from_env() };
            if let Some(device) = crate::check::open(&request) {
                assert_eq!(wait_for(run(&device)).expect("a right driver"), device.caps().subgroup_size);
            }
        }
    }
}
