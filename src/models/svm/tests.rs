use super::*;
use crate::random::Rng;

/// Clips of `outputs` classes around centres of their own, and their classes.
fn clips(n: usize, width: usize, outputs: usize, seed: u64) -> (Vec<Vec<f32>>, Vec<usize>) {
    let mut rng = Rng::at(seed);
    let mut normal = || (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0;
    let centres: Vec<Vec<f64>> = (0..outputs).map(|_| (0..width).map(|_| normal()).collect()).collect();
    let classes: Vec<usize> = (0..n).map(|i| i % outputs).collect();
    let clip = |class: &usize| centres[*class].iter().map(|c| (3.0 + c + 1.5 * normal()) as f32).collect();
    (classes.iter().map(clip).collect(), classes)
}

fn z(inputs: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let (mean, std) = moments(&inputs.iter().map(Vec::as_slice).collect::<Vec<_>>());
    inputs.iter().map(|x| x.iter().zip(mean.iter().zip(&std)).map(|(x, (m, s))| (f64::from(*x) - m) / s).collect()).collect()
}

/// The primal value is no more than any nearby one and all but the dual one, which bounds it from below.
#[test]
fn a_linear_machine_is_at_its_optimum() {
    let (inputs, classes) = clips(90, 7, 3, 5);
    let (z, t) = (z(&inputs), classes.iter().map(|c| if *c == 1 { 1.0 } else { -1.0 }).collect::<Vec<f64>>());
    for cost in [0.01, 1.0, 100.0] {
        let machine = newton::solve(&z, &t, cost).expect("a machine");
        let primal = |w: &[f64]| {
            let slack = |(x, t): (&Vec<f64>, &f64)| {
                let f: f64 = x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>() + w[7];
                (1.0 - t * f).max(0.0).powi(2)
            };
            w.iter().map(|w| w * w).sum::<f64>() / 2.0 + cost * z.iter().zip(&t).map(slack).sum::<f64>()
        };
        assert!((machine.primal - primal(&machine.w)).abs() <= 1e-12 * machine.primal);
        assert!((machine.primal - machine.dual).abs() <= 1e-10 * machine.primal, "{} {}", machine.primal, machine.dual);
        for i in 0..8 {
            let mut w = machine.w.clone();
            w[i] += 1e-3;
            assert!(primal(&w) > machine.primal);
        }
    }
}

/// Coefficients in their box that cancel, objectives recomputed from them, and a gap of almost nothing, on the device's kernel matrix.
#[test]
fn a_gaussian_machine_is_at_its_optimum() {
    let Ok(device) = Device::open(&crate::gpu::AdapterRequest::from_env()) else {
        return eprintln!("no adapter: kernel matrices are made on one");
    };
    let (inputs, classes) = clips(300, 5, 2, 9);
    let (z, t) = (z(&inputs), classes.iter().map(|c| if *c == 0 { 1.0 } else { -1.0 }).collect::<Vec<f64>>());
    let rows: Vec<&[f64]> = z.iter().map(Vec::as_slice).collect();
    let matrix = smo::kernel_matrix(&device, &rows, 0.2).expect("a matrix");
    let k = |a: &[f64], b: &[f64]| (-0.2 * a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()).exp();
    for cost in [0.1, 1.0, 50.0] {
        let machine = smo::solve(&matrix, &t, cost, &mut || Ok(())).expect("a machine");
        assert!(machine.alpha.iter().all(|a| (0.0..=cost).contains(a)));
        assert!(machine.alpha.iter().zip(&t).map(|(a, t)| a * t).sum::<f64>().abs() < 1e-9 * cost);
        let f = |x: &[f64]| machine.bias + z.iter().zip(&machine.alpha).zip(&t).map(|((y, a), t)| a * t * k(x, y)).sum::<f64>();
        let (mut square, mut slack) = (0.0, 0.0);
        for ((x, a), t) in z.iter().zip(&machine.alpha).zip(&t) {
            square += a * t * (f(x) - machine.bias);
            slack += (1.0 - t * f(x)).max(0.0);
        }
        let (dual, primal) = (machine.alpha.iter().sum::<f64>() - 0.5 * square, 0.5 * square + cost * slack);
        assert!((machine.dual - dual).abs() < 1e-5 * dual && (machine.primal - primal).abs() < 1e-5 * primal);
        assert!(primal >= dual && primal - dual < 1e-4 * dual, "primal {primal}, dual {dual}");
    }
}
