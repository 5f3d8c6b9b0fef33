//! The folder of several folds before the first of them.

use crate::train::continuation;
use crate::train::events::{Event, Observer};
use crate::train::run::RunSpec;
use crate::train::state::Folder;
use crate::{Error, Result, lock::Lock, storage, text};
use std::path::PathBuf;

/// Makes the folder, which holds no other run and is written by no other.
pub fn begin(run: &RunSpec, observe: &mut Observer) -> Result<Lock> {
    std::fs::create_dir_all(&run.out).map_err(Error::io(&run.out))?;
    let lock = Lock::take(&run.out)?;
    lock.missing.iter().for_each(|why| observe(Event::Warning(why)));
    let (folder, out) = (Folder(run.out.clone()), text::shell(&run.out));
    let bad = |path: PathBuf, reason: String| Err(Error::Checkpoint { path, reason });
    if let Some(path) = [folder.state(), folder.model()].into_iter().find(|path| path.exists()) {
        return bad(path, "a run of one split is here; choose another --out for folds".into());
    }
    match (folder.folds().exists(), run.resume) {
        (true, false) => {
            return bad(folder.folds(), format!("folds are here already; go on with them (--resume {out}), or choose another --out"));
        }
        (true, true) if !continuation::may_go_on(&folder, &run.config)? => folder.check(&run.config)?,
        (true, true) if folder.holds(&run.config).is_some() => {}
        _ => storage::write(&folder.config(), run.config.to_toml()?.as_bytes())?,
    }
    run.request.as_ref().map_or(Ok(()), |text| storage::write(&folder.request(), text.as_bytes()))?;
    Ok(lock)
}
