//! The paper's tables and figures from one command: every system under one protocol, with the same splits, augmentation and seeds.
//!
//!     cargo run --release --example reproduce -- [--table I|III|IV]... [--figure 6a|6b]... [--data DIR]... [--preset tiny] [--seeds N]
//!
//! Without --table and --figure it makes all of them; without --data, on the built-in corpus. It goes on where it was stopped. The results
//! lie in --out: `index.html`, `results.md`, a CSV file for each table and an SVG file for each figure, and the runs themselves.

mod experiment;
mod figure;
mod page;
mod question;
mod runs;
mod sheet;
mod significance;
#[allow(dead_code, reason = "the exit code of a signal is that of train")]
#[path = "../../src/bin/train/stop.rs"]
mod stop;
mod summary;

use anyhow::{Context as _, Result};
use clap::Parser;
use emotone::gpu::{AdapterRequest, Device};
use emotone::storage;
use emotone::train::config::Config;
use emotone::train::dataset::DataSpec;
use experiment::{Figure, Line, Point, Protocol, Setup, Table, lines, points, voiceprint};
use figure::Curve;
use page::Page;
use runs::{Bench, Outcomes};
use sheet::Sheet;
use std::path::PathBuf;
use std::process::ExitCode;
use summary::Summary;

/// Epochs of all stages together on the built-in corpus, which is soon learnt.
const BUILT_IN_EPOCHS: usize = 16;

/// Makes the paper's tables and figures.
#[derive(Parser)]
#[command(after_help = "Exit codes: 0 all done; 1 an error; 2 wrong flags.")]
struct Args {
    /// Tables of the paper.
    #[arg(long, value_enum)]
    table: Vec<Table>,
    /// Panels of Figure 6.
    #[arg(long, value_enum)]
    figure: Vec<Figure>,
    /// Corpus folders or manifests. Default: the built-in corpus.
    #[arg(long, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Test set, as in `train`; several times for several folds.
    #[arg(long)]
    split: Vec<String>,
    /// Rename or drop labels: happy=happiness,calm=
    #[arg(long, default_value = "")]
    label_map: String,
    /// Built-in configuration: tiny, small or paper.
    #[arg(long, default_value = "tiny")]
    preset: String,
    /// Override a value of every run: --set train.batch=8
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Epochs of all stages together. Default: the preset's; 16 on the built-in corpus.
    #[arg(long)]
    epochs: Option<usize>,
    /// Seeds per setup.
    #[arg(long, default_value_t = 1)]
    seeds: usize,
    /// Seeds of Table III and Figure 6b, where small differences count. Default: as --seeds.
    #[arg(long)]
    seeds_of_pairs: Option<usize>,
    /// Where everything goes.
    #[arg(long, default_value = "runs/reproduce")]
    out: PathBuf,
    /// Only write tables and page from the runs that are there.
    #[arg(long)]
    no_training: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

/// Everything the arguments ask for.
struct Wanted {
    tables: Vec<(Table, Vec<Line>)>,
    figures: Vec<(Figure, Vec<Point>)>,
    /// Each setup with its number of seeds.
    setups: Vec<(Setup, usize)>,
}

impl Wanted {
    fn new(args: &Args, protocol: &Protocol) -> Self {
        let all = args.table.is_empty() && args.figure.is_empty();
        let pick = |given: &[Table]| if all { vec![Table::One, Table::Three, Table::Four] } else { given.to_vec() };
        let tables: Vec<(Table, Vec<Line>)> = pick(&args.table).into_iter().map(|t| (t, lines(t, protocol))).collect();
        let figures = if all { vec![Figure::A, Figure::B] } else { args.figure.clone() };
        let figures: Vec<(Figure, Vec<Point>)> = figures.into_iter().map(|f| (f, points(f, protocol))).collect();
        let pairs = args.seeds_of_pairs.unwrap_or(args.seeds);
        let of_tables = tables.iter().flat_map(|(t, lines)| {
            let seeds = if *t == Table::Three { pairs } else { args.seeds };
            lines.iter().map(move |l| (l.setup.clone(), seeds))
        });
        let of_figures = figures.iter().flat_map(|(f, points)| {
            let seeds = if *f == Figure::B { pairs } else { args.seeds };
            points.iter().map(move |p| (p.setup.clone(), seeds))
        });
        let setups = of_tables.chain(of_figures).collect();
        Wanted { tables, figures, setups }
    }
}

fn run(args: &Args) -> Result<()> {
    let mut base = Config::preset(&args.preset)?;
    for set in &args.sets {
        base.set(set)?;
    }
    let built_in = args.data.is_empty();
    let protocol = Protocol::of(&base, args.epochs.or(built_in.then_some(BUILT_IN_EPOCHS)));
    let wanted = Wanted::new(args, &protocol);
    let device = Device::open(&AdapterRequest::from_env())?;
    println!("{}", device.caps().headline());
    let stop = stop::on_signals()?;
    let splits = if args.split.is_empty() { vec!["default".to_string()] } else { args.split.clone() };
    let most = args.seeds.max(args.seeds_of_pairs.unwrap_or(0)).max(1);
    let seeds: Vec<u64> = (0..most as u64).map(|i| base.train.seed + i).collect();
    let data = DataSpec { paths: args.data.clone(), label_map: args.label_map.clone(), ..DataSpec::default() };
    let bench = Bench { device, base, data, splits, seeds, out: args.out.clone(), stop: stop.flag };
    let runs = runs::plan(&wanted.setups, &voiceprint(&protocol), &bench.seeds, bench.splits.len());
    println!("{} runs of {} epochs; results go to {}", runs.len(), protocol.total(), args.out.display());
    if !args.no_training {
        bench.carry_out(&runs)?;
    }
    let outcomes = bench.outcomes(&runs)?;
    let page = report(&wanted, &outcomes, facts(args, &bench, &protocol))?;
    write(args, &wanted, &page)
}

/// What was run, for the page.
fn facts(args: &Args, bench: &Bench, protocol: &Protocol) -> Vec<(String, String)> {
    let names = |paths: &[PathBuf]| {
        paths.iter().map(|p| p.file_name().unwrap_or(p.as_os_str()).to_string_lossy().into_owned()).collect::<Vec<_>>().join(", ")
    };
    let data = if args.data.is_empty() { "the built-in synthetic corpus".to_string() } else { names(&args.data) };
    let label_map = if args.label_map.is_empty() { String::new() } else { format!("; labels {}", args.label_map) };
    let mut settings = format!("preset {}", args.preset);
    args.sets.iter().for_each(|s| settings += &format!(", {s}"));
    vec![
        ("data".into(), format!("{data}{label_map}")),
        ("test sets".into(), bench.splits.join("; ")),
        ("settings".into(), settings),
        ("epochs of each system".into(), protocol.total().to_string()),
        ("seeds".into(), bench.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
        ("adapter".into(), bench.device.caps().adapter.clone()),
    ]
}

fn report(wanted: &Wanted, outcomes: &Outcomes, facts: Vec<(String, String)>) -> Result<Page> {
    let summary = |setup: &Setup| Summary::of(outcomes.get(&setup.key).map_or(&[][..], Vec::as_slice)).with_context(|| setup.name.clone());
    let mut page = Page { facts, sheets: Vec::new(), systems: Vec::new(), figures: Vec::new(), answers: Vec::new() };
    let mut names: Vec<(String, String)> = Vec::new();
    for (table, lines) in &wanted.tables {
        let mut rows = Vec::new();
        for line in lines {
            if !names.iter().any(|(key, _)| *key == line.setup.key) {
                names.push((line.setup.key.clone(), line.setup.name.clone()));
                page.systems.push((line.setup.name.clone(), summary(&line.setup)?));
            }
            rows.push((Line { setup: line.setup.clone(), published: line.published }, summary(&line.setup)?));
        }
        page.sheets.push(Sheet::new(table.title(), &rows));
    }
    for (figure, points) in &wanted.figures {
        let (title, svg) = draw(*figure, points, &summary)?;
        page.figures.push((title, svg));
    }
    page.answers = question::questions(outcomes, &names);
    Ok(page)
}

/// A panel of Figure 6: ours and the paper's curves.
fn draw(figure: Figure, points: &[Point], summary: &dyn Fn(&Setup) -> Result<Summary>) -> Result<(String, String)> {
    let mut curves: Vec<Curve> = Vec::new();
    let mut add = |name: &str, published: bool, point: (f64, f64, Option<f64>)| match curves
        .iter_mut()
        .find(|c| c.name == name && c.published == published)
    {
        Some(curve) => curve.points.push(point),
        None => curves.push(Curve { name: name.into(), points: vec![point], published }),
    };
    for point in points {
        let s = summary(&point.setup)?;
        add(&point.curve, false, (point.x, s.uar, s.uar_half));
        if let Some(f1) = point.published {
            add(&point.curve, true, (point.x, f1, None));
        }
    }
    let (title, axis) = match figure {
        Figure::A => ("Figure 6a: a and b of Horizontal Mixup", "a"),
        Figure::B => ("Figure 6b: Horizontal Mixup and Mixup", "share of mixed images"),
    };
    Ok((title.into(), figure::draw(title, axis, "UAR", &curves)))
}

fn write(args: &Args, wanted: &Wanted, page: &Page) -> Result<()> {
    let put = |name: &str, bytes: &[u8]| storage::write(&args.out.join(name), bytes);
    put("index.html", page.html().as_bytes())?;
    put("results.md", page.markdown().as_bytes())?;
    for ((table, _), sheet) in wanted.tables.iter().zip(&page.sheets) {
        put(&format!("table-{}.csv", table.number()), &sheet.csv()?)?;
    }
    for ((figure, _), (_, svg)) in wanted.figures.iter().zip(&page.figures) {
        put(if *figure == Figure::A { "figure-6a.svg" } else { "figure-6b.svg" }, svg.as_bytes())?;
    }
    println!("{}", page.markdown());
    println!("page: {}", args.out.join("index.html").display());
    Ok(())
}
