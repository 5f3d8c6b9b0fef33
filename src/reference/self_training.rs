//! Self-training on whole matrices.

/// What `models/ridge/self_training.rs` says of centred features (n, D) and centred answers (n, K), with β = 3, λ = 1, γ = 3/2 and three rounds:
/// the answers that come out, (n, K). The system is solved by elimination.
pub fn self_trained(features: &[Vec<f64>], answers: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = features.len();
    let k = products(features);
    let penalty = (0..n).map(|i| k[i][i]).sum::<f64>() / n as f64;
    let scale = deviation(answers);
    let o = divided(answers, scale);
    let mean = |c: usize| o.iter().map(|o| o[c]).sum::<f64>() / n as f64;
    let apart: Vec<Vec<f64>> = o.iter().map(|o| o.iter().enumerate().map(|(c, v)| v - mean(c)).collect()).collect();
    let counts = 1.5 * n as f64 / (n as f64 + 10.0) * deviation(&apart);
    let mut a = o.clone();
    for _ in 0..3 {
        let targets = likelihoods_less_mean(&a);
        let row = |i: usize| (0..n).map(|j| k[i][j] + if i == j { penalty } else { 0.0 }).chain(targets[i].iter().copied()).collect();
        let x = solved((0..n).map(row).collect());
        let f: Vec<Vec<f64>> = k.iter().map(|k| (0..o[0].len()).map(|c| (0..n).map(|j| k[j] * x[j][c]).sum()).collect()).collect();
        let f = divided(&f, deviation(&f));
        let sum: Vec<Vec<f64>> = o.iter().zip(&f).map(|(o, f)| o.iter().zip(f).map(|(o, f)| o + counts * f).collect()).collect();
        a = divided(&sum, deviation(&sum));
    }
    divided(&a, 1.0 / scale)
}

/// `z zᵀ / D` of features over their deviations.
fn products(features: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let (n, width) = (features.len(), features[0].len());
    let of = |d: usize| {
        let mean = features.iter().map(|x| x[d]).sum::<f64>() / n as f64;
        (features.iter().map(|x| (x[d] - mean).powi(2)).sum::<f64>() / n as f64).sqrt()
    };
    let std: Vec<f64> = (0..width).map(of).collect();
    let z: Vec<Vec<f64>> = features.iter().map(|x| x.iter().zip(&std).map(|(x, s)| x / s).collect()).collect();
    let product = |a: &Vec<f64>, b: &Vec<f64>| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / width as f64;
    z.iter().map(|a| z.iter().map(|b| product(a, b)).collect()).collect()
}

fn likelihoods_less_mean(a: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let likely = |a: &Vec<f64>| {
        let sum: f64 = a.iter().map(|v| (3.0 * v).exp()).sum();
        a.iter().map(|v| (3.0 * v).exp() / sum).collect::<Vec<f64>>()
    };
    let p: Vec<Vec<f64>> = a.iter().map(likely).collect();
    let mean = |c: usize| p.iter().map(|p| p[c]).sum::<f64>() / p.len() as f64;
    p.iter().map(|own| own.iter().enumerate().map(|(c, v)| v - mean(c)).collect()).collect()
}

/// The solutions of a system whose rows end with its right sides.
fn solved(mut rows: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = rows.len();
    for i in 0..n {
        let pivot = rows[i].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(j, _)| *j != i) {
            let factor = row[i] / pivot[i];
            row.iter_mut().zip(&pivot).for_each(|(r, p)| *r -= factor * p);
        }
    }
    rows.iter().enumerate().map(|(i, row)| row[n..].iter().map(|v| v / row[i]).collect()).collect()
}

fn divided(rows: &[Vec<f64>], by: f64) -> Vec<Vec<f64>> {
    rows.iter().map(|row| row.iter().map(|v| v / by).collect()).collect()
}

fn deviation(rows: &[Vec<f64>]) -> f64 {
    let n = rows.iter().map(Vec::len).sum::<usize>() as f64;
    let mean = rows.iter().flatten().sum::<f64>() / n;
    (rows.iter().flatten().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
}
