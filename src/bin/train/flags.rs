//! Errors of flags: what was meant, also where it is a key of the configuration.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use emotone::train::config::Config;

/// Prints a parser's error, or the help that was asked for, and ends the program.
pub fn explain(error: clap::Error) -> ! {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    // Where nobody reads, there is nobody to tell.
    let _ = error.print();
    if let (ErrorKind::UnknownArgument, Some(ContextValue::String(flag))) = (error.kind(), error.get(ContextKind::InvalidArg))
        && let Some(key) = key(flag)
    {
        crate::show::complain(&format!("\n  tip: the configuration has this as a key: --set {key}=VALUE"));
    }
    std::process::exit(if asked { 0 } else { 1 })
}

/// Whether a `--set` chooses the network.
pub fn names_network(set: &str) -> bool {
    set.split('=').next().is_some_and(|key| key.trim() == "model.name")
}

/// The key of the configuration that a flag is named like.
fn key(flag: &str) -> Option<String> {
    let name = flag.trim_start_matches('-').split('=').next()?.replace('-', "_");
    let keys = Config::preset("small").and_then(|config| config.keys()).ok()?;
    let last = |key: &String| key.rsplit('.').next() == Some(&name);
    keys.iter()
        .find(|key| **key == name)
        .or_else(|| keys.iter().find(|key| key.starts_with("train.") && last(key)))
        .or_else(|| keys.iter().find(|key| last(key)))
        .cloned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn flags_of_other_programs_are_keys_here() {
        let key = |flag| super::key(flag);
        assert_eq!(key("--weight-decay").as_deref(), Some("train.weight_decay"));
        assert_eq!(key("--seed=3").as_deref(), Some("train.seed"));
        assert_eq!(key("--train.seed").as_deref(), Some("train.seed"));
        assert_eq!(key("--n-mels").as_deref(), Some("frontend.n_mels"));
        assert_eq!(key("--nothing-like-it"), None);
    }
}
