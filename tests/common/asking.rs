//! `infer` as a program, with a small model, and something to hear.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Rate of what is heard, Hz.
pub const RATE: u32 = 16_000;

/// Whether there is an adapter.
pub fn adapter() -> bool {
    emotone::check::device().is_some()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// All that a program said.
pub fn said(done: &Output) -> String {
    text(&done.stdout) + &text(&done.stderr)
}

/// `infer` with a small model of anger, gentleness, happiness and sadness.
pub fn command(dir: &Path, args: &[&str]) -> Command {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/old/old-model.safetensors");
    let mut command = Command::new(env!("CARGO_BIN_EXE_infer"));
    command.current_dir(dir).arg("--quiet").arg("--model").arg(model).args(args);
    command
}

pub fn infer(dir: &Path, args: &[&str]) -> Output {
    command(dir, args).stdin(Stdio::null()).output().expect("infer starts")
}

/// Noise in syllables, five in a second.
pub fn voice(seconds: f64, level: f32) -> Vec<f32> {
    let mut state = 1u32;
    let sample = |i: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let swell = (std::f32::consts::PI * (i % 3200) as f32 / 3200.0).sin().powi(2);
        (level * swell * (state as f32 / u32::MAX as f32 * 2.0 - 1.0)).clamp(-1.0, 1.0)
    };
    (0..(seconds * f64::from(RATE)) as usize).map(sample).collect()
}
