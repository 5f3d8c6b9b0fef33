//! Checks of configured values: errors that name the key, its value and what is allowed.

use crate::{Error, Result};
use std::fmt::Display;

/// Fails unless low <= value <= high; NaN fails.
pub(crate) fn within<T: PartialOrd + Display>(key: &str, value: T, low: T, high: T) -> Result<()> {
    if value >= low && value <= high { Ok(()) } else { Err(Error::Config(format!("{key} = {value}: allowed is {low} to {high}"))) }
}

/// Fails unless `holds`; `rule` says what the value must do or be.
pub(crate) fn require(holds: bool, key: &str, value: impl Display, rule: impl Display) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::Config(format!("{key} = {value}: must {rule}"))) }
}
