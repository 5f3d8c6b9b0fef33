//! Ridge regression as a classifier (Hoerl & Kennard 1970): a linear machine per class against the rest by weighted least squares, in closed form,
//! on vectors of one corpus or of several.
//!
//! `min Σ_i s_i (t_i − w_c(i)·z_i)² + α D |w|²` over a machine w_c for each corpus c, z of D values and t centred within their corpus, t = 1 for
//! the class and −1 for the rest. The machines have a part in common: those of two corpora are as alike as `coupling` λ says, which is the same
//! as one machine on vectors (√λ z, 0, …, √(1 − λ) z, …, 0) with the second part in its corpus's place (Daumé 2007, "Frustratingly easy domain
//! adaptation"). s = n / (classes · examples of the example's class) within a corpus, over its versions per recording: rare classes count as much
//! as others, and copies of recordings do not count more than these alone.
//!
//! It is solved in the dual, `(K∘L + α/s) a = t` with `K = z zᵀ / D` and L = 1 within a corpus, λ between two: K is made once, and serves the
//! machines without each part of the speakers too, whose answers to these say what answers to unknown speakers are worth.

mod balance;
mod gram;
mod network;
mod parts;
mod rows;
mod self_training;

pub use self::balance::Centre;
pub(super) use self::network::{Ridged, head};
pub use self::self_training::{SelfTraining, self_train};

use self::balance::Balance;
use self::parts::Part;
use self::rows::Rows;
use super::cholesky::{Factor, Triangle};
use super::network::Examples;
use super::standard::Standard;
use crate::gpu::Device;
use crate::{Error, Result, parallel};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is to be solved.
pub(super) struct Terms {
    /// α, the penalty for each value of a vector.
    pub penalty: f64,
    /// λ, where answers are for one corpus; for any other one the machines are the same.
    pub coupling: f64,
    /// Deviations from the mean beyond which values are brought back; 0 for none.
    pub reach: f64,
    /// What examples are centred by where answers are for any other corpus.
    pub centre: Centre,
}

/// Examples by their numbers, and what they are answered.
type HeldOut = Vec<(usize, Vec<f64>)>;

/// The machines of all classes.
pub(super) struct Ridge {
    /// What the vectors are standardised by.
    pub standard: Standard,
    /// (classes, values).
    pub weight: Vec<f64>,
    /// (classes).
    pub bias: Vec<f64>,
    /// (classes): what is answered in the centre, by targets.
    pub level: Vec<f64>,
    /// The objective of each class.
    pub objective: Vec<f64>,
    /// How far each may be from its minimum: its distance to the dual objective.
    pub gap: Vec<f64>,
    /// Answers to examples by machines without their part of them.
    pub held_out: HeldOut,
    /// What the parts are divided by.
    pub divided_by: &'static str,
}

/// Who hears of the work, as hundredths that are done.
type Progress<'a> = &'a mut dyn FnMut(usize, usize) -> Result<()>;

/// Hundredths that are done when the products are, and the answers without their part.
const PRODUCTS: usize = 50;
const HELD_OUT: usize = 70;
const FACTORED: usize = 95;

/// Solves all machines. Where `examples` give weights to start from, what is penalised is the difference from these.
///
/// # Errors
/// [`Error::Config`] for a class without examples; [`Error::NonFinite`] for values that are not finite; device faults; that of `progress`.
pub(super) fn solve(device: Option<&Arc<Device>>, examples: &Examples, terms: &Terms, progress: Progress) -> Result<Ridge> {
    check(examples)?;
    let n = examples.inputs.len();
    let standard = standard(examples, terms.reach)?;
    let rows = Rows { inputs: &examples.inputs, standard: &standard };
    let start = start(examples, rows.width());
    let known = start.as_ref().map(|w| rows.answers(&vec![0; n], std::slice::from_ref(w)));
    progress(0, 100)?;
    let k = gram::gram(device, &rows, &mut |done, all| progress(PRODUCTS * done / all.max(1), 100))?;
    let task = Task { examples, terms, known: known.as_deref() };
    let (divided_by, held_out) = task.all_held_out(&k, progress)?;
    let all: Vec<usize> = (0..n).collect();
    let balance = Balance::of(examples, &all, terms.centre);
    let targets = task.targets(&balance, &all);
    let dual = task.dual(k, &balance, &targets, &mut |done| progress(HELD_OUT + (FACTORED - HELD_OUT) * done / n, 100))?;
    progress(FACTORED, 100)?;
    let (weights, fits, own) = task.primal(&rows, &balance, &dual);
    let mut found = Ridge {
        weight: Vec::new(),
        bias: Vec::new(),
        level: Vec::new(),
        objective: Vec::new(),
        gap: Vec::new(),
        held_out,
        divided_by,
        standard: standard.clone(),
    };
    for (class, mut weight) in weights.into_iter().enumerate() {
        let (objective, gap) = task.certificate(&balance, &targets[class], &dual[class], &fits[class]);
        found.objective.push(objective);
        found.gap.push(gap);
        let level = task.level(&balance, &all, class);
        let mut bias = level - own[class];
        if let (Some(start), Some(known)) = (&start, &known) {
            weight.iter_mut().zip(&start[class]).for_each(|(w, start)| *w += start);
            bias -= of_answers(&balance, &known[class]);
        }
        found.weight.extend(weight);
        found.bias.push(bias);
        found.level.push(level);
    }
    progress(100, 100)?;
    Ok(found)
}

/// Examples and what is to be solved of them.
struct Task<'a> {
    examples: &'a Examples<'a>,
    terms: &'a Terms,
    /// By class, what the weights to start from answer to each example, without bias.
    known: Option<&'a [Vec<f64>]>,
}

impl Task<'_> {
    /// How alike the machines of two corpora are.
    fn coupling(&self) -> f64 {
        if self.examples.home.is_some() { self.terms.coupling } else { 1.0 }
    }

    /// By class, what is to be answered to each example `which`: the centred target less what the weights to start from answer already; where its
    /// corpus does not know the class, no more than they do.
    fn targets(&self, balance: &Balance, which: &[usize]) -> Vec<Vec<f64>> {
        let of = |class: usize| {
            let centred = |values: Vec<f64>| {
                let means = balance.means(&values);
                values.iter().zip(&balance.centre).map(|(v, &centre)| v - means[centre]).collect::<Vec<f64>>()
            };
            let known = self.known.map(|known| centred(which.iter().map(|&i| known[class][i]).collect()));
            let given = self.given(which, class).map(centred);
            let target = |(n, &i): (usize, &usize)| {
                let own = || balance.target(n, self.examples.classes[i] == class, class);
                let target = given.as_ref().map_or_else(own, |given| Some(given[n]));
                target.map_or(0.0, |t| t - known.as_ref().map_or(0.0, |known| known[n]))
            };
            which.iter().enumerate().map(target).collect()
        };
        (0..self.examples.outputs).map(of).collect()
    }

    /// What is to be answered to the examples `which` for a class, where the examples say it.
    fn given(&self, which: &[usize], class: usize) -> Option<Vec<f64>> {
        let answers = Some(&self.examples.answers).filter(|answers| !answers.is_empty())?;
        Some(which.iter().map(|&i| f64::from(answers[i][class])).collect())
    }

    /// What is answered for a class in the centre of the answers.
    fn level(&self, balance: &Balance, which: &[usize], class: usize) -> f64 {
        self.given(which, class).map_or_else(|| balance.level(class), |given| of_answers(balance, &given))
    }

    /// By class, the solution a.
    fn dual(
        &self,
        mut k: Triangle,
        balance: &Balance,
        targets: &[Vec<f64>],
        progress: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Vec<Vec<f64>>> {
        centre(&mut k, balance, self.coupling());
        k.0.iter_mut().zip(&balance.share).enumerate().for_each(|(i, (row, share))| row[i] += self.terms.penalty * share);
        let factor = Factor::of(k, progress)?;
        Ok(parallel::map(parallel::cores(), targets.len(), |class| factor.solve(&targets[class])))
    }

    /// Answers to examples by machines without their part, and what the parts are divided by.
    fn all_held_out(&self, k: &Triangle, progress: Progress) -> Result<(&'static str, HeldOut)> {
        let (divided_by, parts) = parts::parts(self.examples);
        let originals: Vec<usize> = (0..k.len()).filter(|&i| self.examples.versions[i] == 0).collect();
        let k = k.part(&originals);
        let mut all = Vec::new();
        for (p, part) in parts.iter().enumerate() {
            let mut go_on = || progress(PRODUCTS + (HELD_OUT - PRODUCTS) * p / parts.len(), 100);
            all.extend(self.held_out(&k, &originals, part, &mut go_on)?);
        }
        all.sort_by_key(|(i, _)| *i);
        Ok((divided_by, all))
    }

    /// What machines of the one part of the examples answer to the other; `k` has the products of the `originals` alone.
    fn held_out(
        &self,
        k: &Triangle,
        originals: &[usize],
        part: &Part,
        go_on: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<(usize, Vec<f64>)>> {
        let places = |of: &[usize]| of.iter().map(|i| originals.binary_search(i).unwrap_or_default()).collect::<Vec<usize>>();
        let (trained, asked) = (places(&part.trained), places(&part.asked));
        let balance = Balance::of(self.examples, &part.trained, self.terms.centre);
        let targets = self.targets(&balance, &part.trained);
        let dual = self.dual(k.part(&trained), &balance, &targets, &mut |_| go_on())?;
        // A machine of the home corpus has only their share of the others' examples.
        let share = |n: usize| if self.examples.home.is_some_and(|home| home != balance.corpus[n]) { self.coupling() } else { 1.0 };
        let by_class = parallel::map(parallel::cores(), dual.len(), |class| {
            let shared: Vec<f64> = dual[class].iter().enumerate().map(|(n, a)| share(n) * a).collect();
            let mut factors = vec![0.0; originals.len()];
            trained.iter().zip(balance.uncentred(&shared)).for_each(|(&n, f)| factors[n] = f);
            let mut answers = k.times(&factors);
            if let Some(known) = self.known {
                answers.iter_mut().zip(originals).for_each(|(answer, &i)| *answer += known[class][i]);
            }
            let own: Vec<f64> = trained.iter().map(|&n| answers[n]).collect();
            let level = self.level(&balance, &part.trained, class) - of_answers(&balance, &own);
            asked.iter().map(|&n| level + answers[n]).collect::<Vec<f64>>()
        });
        Ok(part.asked.iter().enumerate().map(|(n, &i)| (i, by_class.iter().map(|answers| answers[n]).collect())).collect())
    }

    /// By class: the weights of the answers, what each example's own machine answers to it, and what the answers' machine does in their centre.
    fn primal(&self, rows: &Rows, balance: &Balance, dual: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>, Vec<f64>) {
        let corpora: Vec<usize> = balance.corpus.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let part: Vec<usize> = balance.corpus.iter().map(|c| corpora.binary_search(c).unwrap_or_default()).collect();
        let factors: Vec<Vec<f64>> = dual.iter().map(|a| balance.uncentred(a)).collect();
        let mut machines = rows.sums(&part, corpora.len(), &factors);
        let (coupling, scale) = (self.coupling(), 1.0 / rows.width().max(1) as f64);
        for class in 0..dual.len() {
            let value = |machines: &[Vec<Vec<f64>>], v: usize| machines.iter().map(|m| m[class][v]).sum::<f64>();
            let common: Vec<f64> = (0..rows.width()).map(|v| value(&machines, v)).collect();
            for machine in &mut machines {
                machine[class].iter_mut().zip(&common).for_each(|(w, common)| *w = scale * (coupling * common + (1.0 - coupling) * *w));
            }
        }
        let fits = rows.answers(&part, &machines);
        let own = fits.iter().map(|fits| of_answers(balance, fits)).collect();
        let home = self.examples.home.and_then(|home| corpora.binary_search(&home).ok()).unwrap_or_default();
        (machines.swap_remove(home), fits, own)
    }

    /// The objective of a class, and its distance to the dual one: with what is left of the dual's equations, `Σ s |(K + α/s) a − t|²`.
    fn certificate(&self, balance: &Balance, targets: &[f64], dual: &[f64], fits: &[f64]) -> (f64, f64) {
        let (means, penalty) = (balance.means(fits), self.terms.penalty);
        let (mut objective, mut gap) = (0.0, 0.0);
        for (n, (a, share)) in dual.iter().zip(&balance.share).enumerate() {
            let fit = fits[n] - means[balance.centre[n]];
            let error = targets[n] - fit;
            objective += error * error / share + penalty * a * fit;
            gap += (error - penalty * share * a).powi(2) / share;
        }
        (objective, gap)
    }
}

/// The mean of a value of each example in the centre of the answers.
fn of_answers(balance: &Balance, values: &[f64]) -> f64 {
    balance.means(values).last().copied().unwrap_or_default()
}

/// The products of vectors from which their centres are taken, times L.
fn centre(k: &mut Triangle, balance: &Balance, coupling: f64) {
    let n = k.len();
    // By cell the products of each vector with the sum of the cell.
    let mut sums = vec![vec![0.0; n]; balance.cells];
    let mut own = vec![0.0; balance.cells];
    for (i, row) in k.0.iter().enumerate() {
        own.fill(0.0);
        row.iter().zip(&balance.cell).for_each(|(v, &cell)| own[cell] += v);
        sums[balance.cell[i]][..i].iter_mut().zip(row).for_each(|(sum, v)| *sum += v);
        sums.iter_mut().zip(&own).for_each(|(sums, own)| sums[i] += own);
    }
    let with = parallel::map(parallel::cores(), balance.centres.len(), |c| {
        let mut line = vec![0.0; n];
        for (cell, factor) in &balance.centres[c] {
            line.iter_mut().zip(&sums[*cell]).for_each(|(v, sum)| *v += factor * sum);
        }
        line
    });
    let between = parallel::map(parallel::cores(), with.len(), |c| balance.means(&with[c]));
    for (i, row) in k.0.iter_mut().enumerate() {
        let (a, with_a) = (balance.centre[i], &with[balance.centre[i]]);
        for (j, v) in row.iter_mut().enumerate() {
            let b = balance.centre[j];
            let alike = if balance.corpus[i] == balance.corpus[j] { 1.0 } else { coupling };
            *v = alike * (*v - with[b][i] - with_a[j] + between[a][b]);
        }
    }
}

fn check(examples: &Examples) -> Result<()> {
    let n = examples.inputs.len();
    let lengths = [&examples.classes, &examples.corpora, &examples.versions, &examples.originals, &examples.recordings].map(Vec::len);
    if let Some(other) = lengths.into_iter().chain([examples.speakers.len(), examples.weights.len()]).find(|len| *len != n) {
        return Err(Error::shape("examples", format!("{n} of each"), other.to_string()));
    }
    if let Some(answer) = examples.answers.iter().find(|a| a.len() != examples.outputs || examples.answers.len() != n) {
        let found = format!("{} of {}", examples.answers.len(), answer.len());
        return Err(Error::shape("answers", format!("{n} of {}", examples.outputs), found));
    }
    if let Some(i) = examples.inputs.iter().position(|x| x.iter().any(|v| !v.is_finite())) {
        return Err(Error::NonFinite(format!("features of training clip {i}")));
    }
    let at_home = |i: &usize| examples.home.is_none_or(|home| examples.corpora[*i] == home);
    let known: BTreeSet<usize> = (0..n).filter(at_home).map(|i| examples.classes[i]).collect();
    match (0..examples.outputs).find(|class| !known.contains(class)) {
        Some(empty) => {
            let outputs = examples.outputs;
            Err(Error::Config(format!("class {empty} of {outputs} has no training clip, so nothing tells it from the others")))
        }
        None => Ok(()),
    }
}

/// What vectors are standardised by: that of the model to start from, or else of the recordings themselves.
fn standard(examples: &Examples, reach: f64) -> Result<Standard> {
    let width = examples.inputs.first().map_or(0, |x| x.len());
    let given = |name: &str| examples.given.get(name).filter(|(shape, _)| **shape == [width]).map(|(_, values)| values.clone());
    match (given("mean"), given("std")) {
        (Some(mean), Some(std)) if std.iter().all(|s| *s > 0.0) => Ok(Standard { mean, std, reach }),
        (Some(_), Some(_)) => Err(Error::Config("the weights to start from divide features by a deviation of 0".into())),
        _ => {
            let originals: Vec<usize> = (0..examples.inputs.len()).filter(|&i| examples.versions[i] == 0).collect();
            Ok(Standard::of(&examples.inputs, &examples.corpora, &originals, reach))
        }
    }
}

/// The weights to start from, by class, where there are some for these classes and values.
fn start(examples: &Examples, width: usize) -> Option<Vec<Vec<f64>>> {
    let (shape, values) = examples.given.get("weight")?;
    let fits = **shape == [examples.outputs, width] && width > 0;
    fits.then(|| values.chunks(width).map(|row| row.iter().map(|v| f64::from(*v)).collect()).collect())
}

#[cfg(test)]
mod tests;
