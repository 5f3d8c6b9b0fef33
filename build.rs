//! Writes the registries of shaders: an owner in `src/kernels` for each file of `shaders`, and the text of each file of `shaders/common`; and the
//! expressions that take the models in the box, where they are there.

use std::{env, fs, io, path::Path};

/// Sorted stems of the WGSL files in a folder.
fn stems(dir: &str) -> io::Result<Vec<String>> {
    let files = fs::read_dir(dir)?.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
    let wgsl = files.iter().filter(|p| p.extension().is_some_and(|e| e == "wgsl"));
    let mut stems: Vec<String> = wgsl.filter_map(|p| Some(p.file_stem()?.to_str()?.to_string())).collect();
    stems.sort();
    Ok(stems)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=shaders");
    // The start-up check has its shaders to itself.
    let owned = stems("shaders")?.into_iter().filter(|s| !s.starts_with("self_check"));
    let shipped: String = owned.map(|s| format!("    {s}::SHIPPED,\n")).collect();
    let includes = stems("shaders/common")?.into_iter().map(|s| {
        format!("    (\"common/{s}.wgsl\", include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/shaders/common/{s}.wgsl\"))),\n")
    });
    let includes: String = includes.collect();
    let out = env::var("OUT_DIR")?;
    let write = |file: &str, text: String| fs::write(Path::new(&out).join(file), text);
    write("shipped.rs", format!("/// Every shader of the crate, sorted.\npub const SHIPPED: &[Shipped] = &[\n{shipped}];\n"))?;
    write("includes.rs", format!("[\n{includes}]\n"))?;
    println!("cargo:rerun-if-changed=assets");
    for (model, file) in [("emotion", "boxed.rs"), ("small", "boxed_small.rs")] {
        let path = format!("assets/{model}.safetensors");
        let bytes = format!("Some(include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{path}\")) as &[u8])\n");
        write(file, if Path::new(&path).exists() { bytes } else { "None\n".into() })?;
    }
    Ok(())
}
