//! What the user asks for of an adapter. What the environment says of it is read here, by programs that want it read.

use crate::words::hint;
use crate::{Error, Result};
use std::path::PathBuf;

/// Limits to ask the adapter for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LimitsChoice {
    /// The adapter's own.
    #[default]
    Adapter,
    /// WebGPU's default limits and no optional features: what every adapter has.
    Default,
}

/// What the user asks for.
#[derive(Debug, Clone, Default)]
pub struct AdapterRequest {
    /// Part of the adapter's name, in any case, or its index in [`AdapterRequest::list`]; none for the best hardware.
    pub name: Option<String>,
    /// Limits.
    pub limits: LimitsChoice,
    /// Features to do without: `subgroups`, `f16`, `int64`, `coop`, `timestamps`, `winograd`, `fusion`, `unchecked` for
    /// shaders without wgpu's checks, `overlap` for launches with operands that share memory, which browsers refuse, and `software` for the variants of software drivers. Another word is an error when the adapter is opened.
    pub disable: Vec<String>,
    /// Uses variants that `doctor` found wrong here as well: for examining them.
    pub all_variants: bool,
    /// Shaders with (`false`) or without (`true`) the bounds that wgpu puts on their loops and indices; none for without where `doctor` saw
    /// that they change no bit on this adapter and driver. The word `unchecked` in `disable` outweighs it.
    pub unchecked: Option<bool>,
    /// Skips the start-up check: results are then as good as the driver.
    pub allow_unchecked_driver: bool,
    /// Backends to look for adapters in, as `vulkan,metal,dx12`; none for all of them.
    pub backends: Option<String>,
    /// The folder that keeps what was found out about this adapter and driver for later programs: the start-up check, tuned variants, what
    /// `doctor` switched off, pipelines compiled before. Without one nothing is read from disk or written to it.
    pub cache: Option<PathBuf>,
    /// Threads to compile pipelines on; 0 and 1 mean the caller's alone.
    pub threads: usize,
}

/// What can be switched off, by name: features of the adapter, and methods that need none.
const SWITCHES: [(&str, wgpu::Features); 10] = [
    ("subgroups", wgpu::Features::SUBGROUP),
    ("f16", wgpu::Features::SHADER_F16),
    ("int64", wgpu::Features::SHADER_INT64),
    ("coop", wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX),
    ("timestamps", wgpu::Features::TIMESTAMP_QUERY),
    ("winograd", wgpu::Features::empty()),
    ("fusion", wgpu::Features::empty()),
    ("overlap", wgpu::Features::empty()),
    (UNCHECKED, wgpu::Features::empty()),
    (SOFTWARE, wgpu::Features::empty()),
];

/// What switches off the variants of software drivers: a software adapter then takes those of a GPU without a fixed subgroup size, by which they
/// are tested where there is none.
pub(super) const SOFTWARE: &str = "software";

/// What keeps wgpu's checks in shaders.
const UNCHECKED: &str = "unchecked";

impl AdapterRequest {
    /// As the environment says: `WGPU_ADAPTER_NAME`, `WGPU_BACKEND`, `EMOTONE_LIMITS=default`,
    /// `EMOTONE_DISABLE=subgroups,f16,int64,coop,timestamps,winograd,fusion,overlap,unchecked,software`. The cache is `emotone` in `XDG_CACHE_HOME`, in `.cache` of
    /// `HOME`, or in `LOCALAPPDATA`; there are as many threads as cores.
    pub fn from_env() -> Self {
        let var = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let folder = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let caches = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|h| h.join(".cache"))).or_else(|| folder("LOCALAPPDATA"));
        let words = var("EMOTONE_DISABLE").unwrap_or_default();
        AdapterRequest {
            name: var("WGPU_ADAPTER_NAME"),
            limits: if var("EMOTONE_LIMITS").as_deref() == Some("default") { LimitsChoice::Default } else { LimitsChoice::Adapter },
            disable: words.split(',').map(|s| s.trim().to_string()).filter(|s| !s.is_empty()).collect(),
            all_variants: false,
            unchecked: None,
            allow_unchecked_driver: false,
            backends: var("WGPU_BACKEND"),
            cache: caches.map(|c| c.join("emotone")),
            threads: crate::parallel::cores(),
        }
    }

    /// Whether shaders go without wgpu's checks on an adapter where `doctor` found that they change no bit, or did not.
    pub(super) fn unchecked(&self, sound: bool) -> bool {
        self.unchecked.unwrap_or(sound) && !self.disable.iter().any(|word| word == UNCHECKED)
    }

    /// What to ask of an adapter that offers `offered`: of the optional features those that the engine uses, the user allows and `doctor`
    /// did not switch off.
    pub(super) fn features(&self, offered: wgpu::Features, switched_off: &[String]) -> Result<wgpu::Features> {
        let used = SWITCHES.iter().fold(wgpu::Features::empty(), |all, (_, f)| all | *f);
        let mut features = match self.limits {
            LimitsChoice::Adapter => used & offered,
            LimitsChoice::Default => wgpu::Features::empty(),
        };
        for word in self.disable.iter().chain(switched_off) {
            let Some((_, off)) = SWITCHES.iter().find(|(name, _)| name == word) else {
                let names = SWITCHES.map(|(name, _)| name);
                let hint = hint(word, names);
                return Err(Error::Config(format!("cannot disable {word:?}: a feature is one of {}{hint}", names.join(", "))));
            };
            features.remove(*off);
        }
        Ok(features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_stay_until_the_doctor_has_compared() {
        let words = |words: &[&str]| words.iter().map(|w| w.to_string()).collect();
        let request = |unchecked, disable: &[&str]| AdapterRequest { unchecked, disable: words(disable), ..AdapterRequest::default() };
        assert!(!request(None, &[]).unchecked(false) && request(None, &[]).unchecked(true));
        assert!(request(Some(true), &[]).unchecked(false) && !request(Some(false), &[]).unchecked(true));
        assert!(!request(None, &["fusion", "unchecked"]).unchecked(true) && !request(Some(true), &["unchecked"]).unchecked(true));
    }

    #[test]
    fn features_can_be_switched_off() {
        let all = wgpu::Features::all();
        let request = |limits, disable: &[&str]| AdapterRequest {
            limits,
            disable: disable.iter().map(|d| d.to_string()).collect(),
            ..AdapterRequest::default()
        };
        let granted = request(LimitsChoice::Adapter, &["subgroups", "coop"]).features(all, &[]).expect("known words");
        assert_eq!(granted, wgpu::Features::SHADER_F16 | wgpu::Features::SHADER_INT64 | wgpu::Features::TIMESTAMP_QUERY);
        assert!(
            request(LimitsChoice::Adapter, &[])
                .features(all, &[])
                .is_ok_and(|f| f.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX))
        );
        assert_eq!(request(LimitsChoice::Adapter, &[]).features(wgpu::Features::SUBGROUP, &[]).ok(), Some(wgpu::Features::SUBGROUP));
        assert_eq!(request(LimitsChoice::Default, &[]).features(all, &[]).ok(), Some(wgpu::Features::empty()));
        let message = request(LimitsChoice::Adapter, &["subgroup"]).features(all, &[]).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains("did you mean \"subgroups\""), "{message}");
    }
}
