//! Runs a network on inputs with given weights, to compare with another implementation.
//!
//!     cargo run --release --example parity -- --weights w.safetensors --inputs x.safetensors --out y.safetensors \\
//!         --preset paper --set model.ln=standard --classes 4 --speakers 10
//!
//! Without a system it is Res-Trans: reads a tensor `inputs` (or `images`) (B, C, H, W), writes `features`, `embedding` and the logits of
//! each head; evaluation mode, no normalisation.
//!
//!     cargo run --release --example parity -- densenet121 forward --weights w.safetensors --inputs x.safetensors --out y.safetensors
//!     cargo run --release --example parity -- densenet121 grads --weights w.safetensors --inputs x.safetensors \\
//!         --targets t.safetensors --out g.safetensors --growth 8 --init 16 --blocks 2,3,2,2 --pool 2
//!
//! A system of the paper by name: `forward` writes `logits` and the system's other results in evaluation mode; `grads` writes `loss`, the
//! results, `grad.NAME` of every trained parameter and `new.NAME` of every running statistic after one step of training mode, without
//! dropout, augmentation and normalisation. Further flags are the network's settings at their `paper` values (`--stem-stride 4`);
//! `--classes` and `--speakers` count outputs; what inputs tell (`--size`, `--channels`) may be left out. `grads` does without Winograd's
//! convolutions, whose rounding, some ten times that of the others, now and then moves a ReLU's input across zero, which is another gradient;
//! `--winograd yes` keeps them.
//!
//!     cargo run --release --example parity -- densenet121 bench --batch 8 --size 96 --steps 10
//!
//! `bench` times training steps and inference batches on random inputs of these sizes.
//!
//!     cargo run --release --example parity -- features lstm34 IN.wav OUT.safetensors
//!
//! What front ends make of a recording; see `features.rs`.
//!
//!     cargo run --release --example parity -- encoder forward --encoder E.safetensors --wav IN.wav --out OUT.safetensors
//!
//! A speech encoder on a recording, and its speed; see `encoder.rs`.
//!
//! `svm forward` writes `decision` and, with `--kernel rbf`, `votes`; `svm grads` the sum of the primal objectives and its gradients; `svm fit`
//! takes no weights and writes the solution and the objective of each machine, which `svm bench` times.

mod bench;
mod case;
mod encoder;
mod features;
mod flags;
#[path = "../median.rs"]
mod median;
mod res_trans;
mod svm;
mod systems;

use anyhow::Result;
use clap::Parser;
use emotone::gpu::{AdapterRequest, Device};
use flags::Flags;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let open = |without: &[&str]| -> Result<_> {
        let mut request = AdapterRequest::from_env();
        request.disable.extend(without.iter().map(|word| word.to_string()));
        let device = Device::open(&request)?;
        println!("{}", device.caps().headline());
        Ok(device)
    };
    match words.split_first() {
        Some((name, _)) if name == "features" => features::run(&features::Args::parse_from(&words), || open(&[])),
        Some((name, rest)) if name == "encoder" => encoder::run(Flags::parse(rest)?, &open(&[])?),
        Some((name, rest)) if name == "svm" => svm::run(Flags::parse(rest)?, &open(&[])?),
        Some((name, rest)) if !name.starts_with('-') => {
            let system = systems::find(name)?;
            let mut flags = Flags::parse(rest)?;
            let without = if flags.what == "grads" && !flags.yes("winograd") { &["winograd"][..] } else { &[] };
            case::run(system, flags, &open(without)?)
        }
        _ => {
            let args = res_trans::Args::parse();
            res_trans::run(&args, &open(&[])?)
        }
    }
}
