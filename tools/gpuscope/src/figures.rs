//! The figures of a pipeline on a family of cards, and how they are made: a process per family, because the driver reads the family from the
//! environment, and because a compiler that crashes takes its process with it.

use crate::asm::Code;
use crate::pipelines::{Needs, Text};
use crate::spirv::{Checks, Module};
use crate::vulkan::{Gpu, Made};
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a compiler says of a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub name: String,
    /// GPUs are given it.
    pub gpu: bool,
    /// Why the driver does not take it.
    pub refused: Option<String>,
    /// Invocations of a workgroup, lanes of a subgroup.
    pub workgroup: u32,
    pub subgroup: u32,
    pub vgprs: f64,
    pub sgprs: f64,
    /// Registers kept in memory for want of others, and bytes of memory of a lane's own.
    pub spilled: f64,
    pub scratch: f64,
    /// Bytes of workgroup memory.
    pub lds: f64,
    /// Subgroups that a SIMD holds at once.
    pub waves: f64,
    /// The compiler's estimates, in cycles: of a subgroup by itself, and of the time each of many takes.
    pub latency: f64,
    pub throughput: f64,
    /// Counted in the assembly, where the driver prints any.
    pub code: Option<Code>,
}

/// What a process of a family is to compile, and a family's answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Family {
    pub name: String,
    /// Name and version of the driver.
    pub driver: String,
    pub figures: Vec<Figures>,
    /// Pipelines left out for features the cards lack.
    pub lacking: usize,
}

impl Figures {
    fn new(name: String, gpu: bool, workgroup: u32, made: Result<Made>) -> Figures {
        let made = match made {
            Ok(made) => made,
            Err(e) => return Figures { name, gpu, workgroup, refused: Some(format!("{e:#}")), ..Figures::default() },
        };
        let of = |key: &str| made.statistics.get(key).copied().unwrap_or(0.0);
        Figures {
            name,
            gpu,
            refused: None,
            workgroup,
            subgroup: made.subgroup,
            vgprs: of("VGPRs"),
            sgprs: of("SGPRs"),
            spilled: of("Spilled VGPRs") + of("Spilled SGPRs"),
            scratch: of("Scratch size"),
            lds: of("LDS size"),
            waves: of("Subgroups per SIMD"),
            latency: of("Latency"),
            throughput: of("Inverse Throughput"),
            code: made.assembly.as_deref().map(Code::read),
        }
    }

    /// The share of multiply-adds in the inner loop of a kernel that is made of them.
    pub fn share(&self) -> Option<f64> {
        self.code.as_ref().filter(|c| c.hot.fma >= 64.0 && c.round.lds_reads > 0.0).map(|c| c.round.share())
    }
}

/// Compiles `texts` on the device of this process and writes a line of JSON per pipeline; the last line is the driver's name and what was
/// left out.
pub fn compile(texts: &[Text], checks: Checks, asm: Option<&Path>, out: &mut impl Write) -> Result<()> {
    let gpu = Gpu::open()?;
    let mut lacking = 0;
    for text in texts {
        let needs = Needs::of(&text.wgsl);
        if (needs.int64 && !gpu.int64) || (needs.f16 && !gpu.f16) || (needs.cooperative && !gpu.cooperative) {
            lacking += text.entries.len();
            continue;
        }
        let module = Module::read(&text.stem, &text.wgsl)?;
        for (entry, workgroup, on_gpus) in &text.entries {
            let words = module.words(entry, checks, gpu.robust)?;
            let name = text.name(entry);
            let made = gpu.pipeline(&words, entry, &module.bindings(entry));
            if let (Some(folder), Ok(Made { assembly: Some(assembly), .. })) = (asm, &made) {
                std::fs::create_dir_all(folder)?;
                let file = folder.join(format!("{}.s", name.replace("::", "_").replace(' ', "_")));
                std::fs::write(&file, assembly).with_context(|| file.display().to_string())?;
            }
            writeln!(out, "{}", serde_json::to_string(&Figures::new(name, *on_gpus, *workgroup, made))?)?;
        }
    }
    writeln!(out, "{}", serde_json::to_string(&Family { name: String::new(), driver: gpu.driver, figures: Vec::new(), lacking })?)?;
    Ok(())
}

/// Where drivers are described to the Vulkan loader.
const DRIVERS: [&str; 3] = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];

/// The description of AMD's driver.
fn radv() -> Result<PathBuf> {
    if let Some(file) = std::env::var_os("GPUSCOPE_DRIVER") {
        return Ok(file.into());
    }
    let all = DRIVERS.iter().filter_map(|d| std::fs::read_dir(d).ok()).flatten().filter_map(|e| Some(e.ok()?.path()));
    let named = |p: &PathBuf| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("radeon_icd"));
    all.filter(named).min().context("no radeon_icd*.json in /usr/share/vulkan/icd.d: install Mesa's drivers, as tools/with-gpu does, or name the file in GPUSCOPE_DRIVER")
}

/// The answers of families that compile what `arguments` say, each in a process of its own.
///
/// # Errors
/// No driver, or a process that ends before its answer does.
pub fn ask(families: &[String], arguments: &[String]) -> Result<Vec<Family>> {
    let driver = radv()?;
    let program = std::env::current_exe()?;
    let start = |family: &String| {
        let mut command = Command::new(&program);
        command.arg("compile").args(arguments).arg("--family").arg(family).stdout(Stdio::piped());
        command.env("RADV_FORCE_FAMILY", family).env("VK_DRIVER_FILES", &driver).env("VK_ICD_FILENAMES", &driver);
        command.env("MESA_SHADER_CACHE_DISABLE", "true").stderr(Stdio::piped());
        command.spawn().with_context(|| format!("a process for {family}"))
    };
    let mut all = Vec::new();
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    for some in families.chunks(at_once) {
        let running = some.iter().map(|f| Ok((f, start(f)?))).collect::<Result<Vec<_>>>()?;
        for (family, mut child) in running {
            let said = child.stderr.take().map(|err| std::thread::spawn(|| hear(BufReader::new(err))));
            let answer = child.stdout.take().map(|out| read(family, BufReader::new(out)));
            let ended = child.wait()?;
            said.map(|said| said.join());
            let found = answer.context("no output")??;
            ensure!(ended.success(), "{family}: the process ended with {ended} after {}", found.1);
            all.push(found.0);
        }
    }
    Ok(all)
}

/// What the driver remarks of every device that is not on a bus, and of cards that its disassembler does not know.
const REMARKS: [&str; 3] = ["invalid pci bus info", "not a conformant Vulkan implementation", "is not a recognized processor"];

/// Passes on what a process says besides.
fn hear(lines: impl BufRead) {
    let said = lines.lines().map_while(Result::ok);
    said.filter(|line| !REMARKS.iter().any(|r| line.contains(r))).for_each(|line| eprintln!("{line}"));
}

/// An answer, and the name of the last pipeline in it.
fn read(family: &str, lines: impl BufRead) -> Result<(Family, String)> {
    let mut all = Family { name: family.to_string(), driver: String::new(), figures: Vec::new(), lacking: 0 };
    let mut last = "nothing".to_string();
    for line in lines.lines() {
        let line = line?;
        if let Ok(figures) = serde_json::from_str::<Figures>(&line) {
            last.clone_from(&figures.name);
            all.figures.push(figures);
        } else if let Ok(end) = serde_json::from_str::<Family>(&line) {
            (all.driver, all.lacking) = (end.driver, end.lacking);
        } else {
            bail!("{family}: unexpected line {line:?}");
        }
    }
    Ok((all, last))
}
