//! HLSL through Microsoft's compiler, with the arguments that wgpu-hal's DX12 gives it.

use anyhow::{Context, Result};
use hassle_rs::Dxc;
use std::path::Path;

/// Compiles every file that `emit` wrote into `dir`; returns whether all were accepted.
///
/// # Errors
/// No such library or folder.
pub fn run(library: &Path, dir: &Path, profile: &str) -> Result<bool> {
    let dxc = Dxc::new(Some(library.to_path_buf())).with_context(|| library.display().to_string())?;
    let (compiler, blobs) = (dxc.create_compiler()?, dxc.create_library()?);
    let mut flags = vec!["-HV", "2018", "-no-warnings", "-Ges"];
    if profile >= "cs_6_2" {
        flags.push("-enable-16bit-types");
    }
    let folder = std::fs::read_dir(dir).with_context(|| dir.display().to_string())?;
    let mut files: Vec<_> = folder.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    let mut refused = 0;
    for file in &files {
        let text = std::fs::read_to_string(file)?;
        let entry = text.lines().next().and_then(|l| l.strip_prefix("// entry ")).context("a file that emit did not write")?;
        let blob = blobs.create_blob_with_encoding_from_str(&text)?;
        let name = file.display().to_string();
        if let Err((said, _)) = compiler.compile(&blob, &name, entry, profile, &flags, None, &[]) {
            refused += 1;
            let why = said.get_error_buffer().ok().and_then(|b| blobs.get_blob_as_string(&b.into()).ok()).unwrap_or_default();
            println!("REFUSED {name}: {}", why.lines().take(4).collect::<Vec<_>>().join(" | "));
        }
    }
    println!("{profile}: {} of {} accepted", files.len() - refused, files.len());
    Ok(refused == 0)
}
