//! What a run was asked for, kept in its folder as `request.json`: `--resume RUN` alone goes on with it.

use crate::args::Args;
use anyhow::{Context as _, Result, bail};
use emotone::text;
use emotone::train::state::Folder;
use serde_json::{Map, Value};
use std::path::Path;

/// Flags that are part of the configuration, which a run's folder holds by itself.
const CONFIGURATION: &[&str] = &["preset", "config", "sets", "stage", "epochs", "lr", "batch", "recompute", "precision", "target"];
/// Flags that are about one call of the program.
const OF_A_CALL: &[&str] = &["out", "resume", "list_adapters", "plan", "print_config", "doctor", "preview", "quiet", "json"];
/// Flags of which the value, or each value, is a path.
const PATHS: &[&str] = &["recordings", "data", "also", "unlabelled", "teacher", "weights", "trunk", "config"];

/// The request as JSON, its paths such that they are found from any folder; none where a path has no text in JSON.
pub fn text(args: &Args) -> Option<String> {
    let mut flags = table(args).ok()?;
    flags.retain(|flag, _| !OF_A_CALL.contains(&flag.as_str()));
    for (_, value) in flags.iter_mut().filter(|(flag, _)| PATHS.contains(&flag.as_str())) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(absolute),
            one => absolute(one),
        }
    }
    serde_json::to_string_pretty(&flags).ok()
}

fn absolute(value: &mut Value) {
    // A dash stands for standard input, wherever one is.
    if let Some(path) = value.as_str().filter(|path| *path != "-").and_then(|path| std::path::absolute(path).ok()) {
        *value = Value::String(path.to_string_lossy().into_owned());
    }
}

fn table(args: &Args) -> Result<Map<String, Value>> {
    match serde_json::to_value(args).context("the flags of a run that goes on")? {
        Value::Object(flags) => Ok(flags),
        other => bail!("flags are written as {other}"),
    }
}

/// The flags, with what the run in a folder was asked for in the place of those that are not `given`. Its configuration is not repeated.
pub fn complete(args: &Args, given: &dyn Fn(&str) -> bool, run: &Path) -> Result<Args> {
    let path = Folder(run.to_path_buf()).request();
    if !path.exists() {
        return Ok(args.clone());
    }
    let kept = std::fs::read_to_string(&path).with_context(|| text::path(&path))?;
    let kept: Map<String, Value> = serde_json::from_str(&kept).with_context(|| text::path(&path))?;
    let own = given("recordings") || given("data");
    let mut flags = table(args)?;
    for (flag, value) in kept {
        let replaced = given(&flag) || (own && ["recordings", "data"].contains(&flag.as_str()));
        if !replaced && !CONFIGURATION.contains(&flag.as_str()) {
            flags.insert(flag, value);
        }
    }
    serde_json::from_value(Value::Object(flags)).with_context(|| text::path(&path))
}
