//! Built-in configurations: what networks have in common, as TOML files that build on each other, and the network's own settings.

use toml::Table;

use super::merge::{merge, parse_table};
use crate::models::Model;
use crate::{Error, Result, words::hint};

/// Names of the built-in configurations, from the cheapest.
pub(super) const NAMES: &[&str] = &["tiny", "small", "paper"];
/// The network of a built-in configuration.
const NETWORK: &str = "res_trans";

/// All values of the built-in configuration `name`.
///
/// # Errors
/// [`Error::Config`] listing the names when it is none of them.
pub(super) fn table(name: &str) -> Result<Table> {
    table_for(name, NETWORK)
}

/// All values of the built-in configuration `name` with another network: what the network brings is laid over what all have in common.
///
/// # Errors
/// [`Error::Config`] listing the names when `name` or `network` is none of them; what is wrong with the network's own configuration.
pub(super) fn table_for(name: &str, network: &str) -> Result<Table> {
    let (paper, small, tiny) = (include_str!("presets/paper.toml"), include_str!("presets/small.toml"), include_str!("presets/tiny.toml"));
    let layers: &[&str] = match name {
        "paper" => &[paper],
        "small" => &[paper, small],
        "tiny" => &[paper, small, tiny],
        _ => {
            let hint = hint(name, NAMES.iter().copied());
            return Err(Error::Config(format!("preset {name:?} is not one of {}{hint}", NAMES.join(", "))));
        }
    };
    let mut table = parse_table(layers[0])?;
    for layer in &layers[1..] {
        merge(&mut table, &parse_table(layer)?)?;
    }
    table.insert("preset".into(), name.into());
    let bad = |e: Error| Error::Config(format!("the configuration that {network} brings: {e}"));
    merge(&mut table, &parse_table(Model::config(network, name)?).map_err(bad)?).map_err(bad)?;
    table.insert("model".into(), Model::preset(network, name)?.0.into());
    Ok(table)
}
