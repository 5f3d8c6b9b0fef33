//! Networks, one file each: settings, presets, checks, blocks and the trait [`Network`]. A line below registers one.

mod cholesky;
pub mod inception;
mod kernels;
mod network;
pub mod residual;
mod ridge;
mod standard;

pub use network::{Examples, Input, Network, Settings, Solution, Solver, TRUNK};
pub use ridge::{SelfTraining, self_train};

use crate::error::{located, one_line};
use crate::words::hint;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::{PoisonError, RwLock};
use toml::{Table, Value};

/// Declares the files of networks and the list of them.
macro_rules! networks {
    ($($file:ident::$network:ident),+ $(,)?) => {
        $(pub mod $file;)+
        const BUILT_IN: &[Entry] = &[$(Entry::of::<$file::$network>()),+];
    };
}

networks! {
    capsule::Capsule,
    densenet::DenseNet,
    dpn::Dpn,
    drcnn::Drcnn,
    emoception::Emoception,
    encoder::Encoder,
    listener::Listener,
    lstm::Lstm,
    physio::Physio,
    res_trans::ResTrans,
    resnest::ResNeSt,
    resnet::ResNet,
    resnet_incep::ResNetIncep,
    resnext::ResNeXt,
    rocket::Rocket,
    svm::Svm,
}

/// A network that `model.name` can name.
#[derive(Clone, Copy)]
struct Entry {
    name: &'static str,
    preset: fn(&str) -> Result<Table>,
    config: fn(&str) -> &'static str,
    read: fn(Table) -> Result<Box<dyn Network>>,
}

impl Entry {
    const fn of<S: Settings>() -> Self {
        Entry {
            name: S::NAME,
            preset: |size| {
                let mut table = Table::try_from(S::preset(size)).map_err(|e| Error::Config(format!("model: {e}")))?;
                table.insert("name".into(), Value::String(S::NAME.into()));
                Ok(table)
            },
            config: S::config,
            read: |table| match Value::Table(table).try_into::<S>() {
                Ok(network) => Ok(Box::new(network)),
                Err(e) => Err(Error::Config(one_line(located("model", &e)))),
            },
        }
    }
}

/// Networks registered from outside the crate.
static OWN: RwLock<Vec<Entry>> = RwLock::new(Vec::new());

/// Makes a network known by its name, as those of this crate are: to configurations, to training and to model files.
pub fn register<S: Settings>() {
    OWN.write().unwrap_or_else(PoisonError::into_inner).push(Entry::of::<S>());
}

fn entries() -> Vec<Entry> {
    let own = OWN.read().unwrap_or_else(PoisonError::into_inner);
    // The last registered first, so that a network may replace another of its name.
    own.iter().rev().chain(BUILT_IN).copied().collect()
}

/// Names of all networks.
pub fn names() -> Vec<&'static str> {
    entries().iter().map(|e| e.name).collect()
}

/// `[model]`: the name of a network and its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Model(pub Table);

impl Model {
    /// The network of that name at a size; see [`Settings::preset`].
    ///
    /// # Errors
    /// [`Error::Config`] listing the names when there is none of that name.
    pub fn preset(name: &str, size: &str) -> Result<Self> {
        Ok(Model((entry(name)?.preset)(size)?))
    }

    /// What else of a configuration goes with the network of that name at a size; see [`Settings::config`].
    ///
    /// # Errors
    /// As [`Model::preset`].
    pub fn config(name: &str, size: &str) -> Result<&'static str> {
        Ok((entry(name)?.config)(size))
    }

    /// The value of `model.name`.
    pub fn name(&self) -> &str {
        self.0.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The network.
    ///
    /// # Errors
    /// [`Error::Config`] naming a key that is unknown, missing or of the wrong type.
    pub fn network(&self) -> Result<Box<dyn Network>> {
        let mut settings = self.0.clone();
        settings.remove("name");
        (entry(self.name())?.read)(settings)
    }
}

fn entry(name: &str) -> Result<Entry> {
    let names = names();
    entries().into_iter().find(|e| e.name == name).ok_or_else(|| {
        let hint = hint(name, names.iter().copied());
        Error::Config(format!("model.name = {name:?} is not one of {}{hint}", names.join(", ")))
    })
}
