//! Named parameters: where each lives, how it starts, and moving values in and out by name.
//!
//! Trainable parameters share one state buffer, their gradients a second one with the same layout, the optimiser's averages further
//! ones; so clipping, the update and the moving average take the same few launches, whatever the number of tensors.

use crate::compile::States;
use crate::graph::{Graph, STATE_ALIGN, Shape, StateRef, Var};
use crate::random::{Rng, normal};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

/// State buffer of parameters that are trained.
pub const TRAINABLE: &str = "trainable";
/// State buffer of parameters that are not.
pub const FROZEN: &str = "frozen";
/// State buffer of running statistics.
pub const STATISTICS: &str = "statistics";

/// How a parameter starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// All values alike.
    Fill(f32),
    /// Normal with standard deviation `√(2 / fan_out)` (He et al. 2015, as torchvision's ResNet).
    KaimingFanOut(usize),
    /// Uniform in `±√(6 / (fan_in + fan_out))` (Glorot & Bengio 2010).
    Xavier(usize, usize),
    /// Uniform in `±bound`.
    Uniform(f32),
    /// A random matrix with orthonormal columns, or rows where it has fewer of them (Saxe et al. 2014).
    Orthogonal,
    /// Row p holds sin(p·ω) for D/2 frequencies ω from 1 down to 1/10000, each a constant factor below the one before, then cos(p·ω) (Vaswani et
    /// al. 2017, in Whisper's order).
    Sinusoids,
    /// Kernels (N, frames, bands), each a profile over the bands times a normal weight per frame, together of norm 1: a bell around a random
    /// band times smooth noise, both of random widths; seven in ten sum to 0 over frames, and hear change alone. Values fit half precision.
    Profiles,
    /// Zeros, and ones for the second of four gates: the forget gate of an LSTM (Jozefowicz et al. 2015).
    ForgetGate,
}

/// A named tensor of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Dotted name, PyTorch's where the network exists there.
    pub name: String,
    /// Shape.
    pub shape: Shape,
    /// Where its values live.
    pub place: StateRef,
    /// Initialisation.
    pub init: Init,
}

/// Values of named tensors on the host.
pub type Weights = BTreeMap<String, (Shape, Vec<f32>)>;

/// The parameters of a model, shared by every graph built from it.
#[derive(Clone)]
pub struct Params {
    list: Vec<Param>,
    index: BTreeMap<String, usize>,
    /// Group of each parameter and statistic that was made in one.
    groups: BTreeMap<String, String>,
    trains: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    sizes: BTreeMap<&'static str, usize>,
}

impl Params {
    /// No parameters yet; `trains` decides by group which will be trained.
    pub fn new(trains: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Params { list: Vec::new(), index: BTreeMap::new(), groups: BTreeMap::new(), trains: Arc::new(trains), sizes: BTreeMap::new() }
    }

    /// Whether parameters of a group are trained.
    pub fn trains(&self, group: &str) -> bool {
        (self.trains)(group)
    }

    /// The parameter `name` of `group` as a value of `g`; allocated the first time, found again in later graphs.
    ///
    /// # Errors
    /// When it exists with another shape.
    pub fn param(&mut self, g: &mut Graph, group: &str, name: &str, shape: impl Into<Shape>, init: Init) -> Result<Var> {
        self.claim(group, name)?;
        let buffer = if self.trains(group) { TRAINABLE } else { FROZEN };
        self.place(g, name, shape.into(), init, buffer)
    }

    /// A running statistic: state that no optimiser touches.
    ///
    /// # Errors
    /// When it exists with another shape.
    pub fn statistic(&mut self, g: &mut Graph, name: &str, shape: impl Into<Shape>, init: Init) -> Result<Var> {
        self.place(g, name, shape.into(), init, STATISTICS)
    }

    /// Takes note of the group of a parameter. Two heads whose names coincide would silently learn one set of weights.
    ///
    /// # Errors
    /// [`Error::Config`] where another group has it.
    pub(super) fn claim(&mut self, group: &str, name: &str) -> Result<()> {
        match self.groups.get(name) {
            Some(owner) if owner != group => {
                Err(Error::Config(format!("parameter {name} would be one of {owner} and of {group}; give one of these tasks another name")))
            }
            Some(_) => Ok(()),
            None => {
                self.groups.insert(name.to_string(), group.to_string());
                Ok(())
            }
        }
    }

    /// Rows `rows` of the parameter `name`, found or allocated as by [`Params::param`], as a value of `g` that is not trained. `rows` begins
    /// where a state may.
    ///
    /// # Errors
    /// When it exists with another shape.
    pub fn rows(
        &mut self,
        g: &mut Graph,
        (group, name): (&str, &str),
        shape: impl Into<Shape>,
        init: Init,
        rows: std::ops::Range<usize>,
    ) -> Result<Var> {
        self.claim(group, name)?;
        let buffer = if self.trains(group) { TRAINABLE } else { FROZEN };
        let mut shape: Shape = shape.into();
        let place = self.register(name, shape.clone(), init, buffer)?;
        let inner = shape[1..].iter().product::<usize>();
        shape.0[0] = rows.len();
        Ok(g.state(StateRef { offset: place.offset + rows.start * inner, ..place }, shape))
    }

    fn place(&mut self, g: &mut Graph, name: &str, shape: Shape, init: Init, buffer: &'static str) -> Result<Var> {
        let place = self.register(name, shape.clone(), init, buffer)?;
        Ok(g.state(place, shape))
    }

    /// Where a parameter is, which has a place from now on.
    fn register(&mut self, name: &str, shape: Shape, init: Init, buffer: &'static str) -> Result<StateRef> {
        if let Some(&i) = self.index.get(name) {
            let p = &self.list[i];
            if p.shape != shape {
                return Err(Error::shape(format!("parameter {name}"), p.shape.to_string(), shape.to_string()));
            }
            return Ok(p.place.clone());
        }
        let offset = self.sizes.entry(buffer).or_default();
        let place = StateRef { buffer: buffer.to_string(), offset: *offset };
        *offset = (*offset + shape.elements()).next_multiple_of(STATE_ALIGN);
        self.index.insert(name.to_string(), self.list.len());
        self.list.push(Param { name: name.to_string(), shape, place: place.clone(), init });
        Ok(place)
    }

    /// All parameters and statistics in the order they were made.
    pub fn list(&self) -> &[Param] {
        &self.list
    }

    /// Parameters that are trained.
    pub fn trainable(&self) -> impl Iterator<Item = &Param> {
        self.list.iter().filter(|p| p.place.buffer == TRAINABLE)
    }

    /// A parameter by name.
    pub fn get(&self, name: &str) -> Option<&Param> {
        self.index.get(name).map(|&i| &self.list[i])
    }

    /// The group of a parameter or statistic.
    pub fn group(&self, name: &str) -> Option<&str> {
        self.groups.get(name).map(String::as_str)
    }

    /// Elements of a state buffer, padding included.
    pub fn extent(&self, buffer: &str) -> usize {
        self.sizes.get(buffer).copied().unwrap_or(0)
    }

    /// Number of parameters (statistics not counted).
    pub fn count(&self) -> usize {
        self.list.iter().filter(|p| p.place.buffer != STATISTICS).map(|p| p.shape.elements()).sum()
    }

    /// Creates the state buffers of parameters and statistics.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn allocate(&self, states: &mut States) -> Result<()> {
        [TRAINABLE, FROZEN, STATISTICS].into_iter().try_for_each(|buffer| states.create(buffer, self.extent(buffer).max(STATE_ALIGN)))
    }

    /// Starting values, reproducible from `seed` and the names alone.
    pub fn initial(&self, seed: u64) -> Weights {
        self.list.iter().map(|p| (p.name.clone(), (p.shape.clone(), start(p, seed)))).collect()
    }

    /// Uploads values by name. Names the model does not have are ignored; with `strict`, a missing one is an error.
    ///
    /// # Errors
    /// Missing names (when strict) and wrong shapes, with the name.
    pub fn upload(&self, states: &States, weights: &Weights, strict: bool) -> Result<()> {
        for p in &self.list {
            match weights.get(&p.name) {
                Some((shape, values)) if *shape == p.shape => states.write(&p.place, values)?,
                Some((shape, _)) => {
                    return Err(Error::shape(format!("parameter {}", p.name), p.shape.to_string(), shape.to_string()));
                }
                None if strict => return Err(Error::Graph(format!("no value for parameter {}", p.name))),
                None => {}
            }
        }
        Ok(())
    }

    /// Downloads all values by name. `group` names another buffer laid out as [`TRAINABLE`] (gradients, moments) to read instead.
    ///
    /// # Errors
    /// Device faults.
    pub fn download(&self, states: &States, group: Option<&str>) -> Result<Weights> {
        let mut buffers: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
        let mut out = Weights::new();
        for p in &self.list {
            let buffer = match group {
                Some(_) if p.place.buffer != TRAINABLE => continue,
                Some(other) => other,
                None => p.place.buffer.as_str(),
            };
            if !buffers.contains_key(buffer) {
                let whole = StateRef { buffer: buffer.to_string(), offset: 0 };
                buffers.insert(buffer, states.read(&whole, self.extent(&p.place.buffer))?);
            }
            let values = buffers[buffer][p.place.offset..p.place.offset + p.shape.elements()].to_vec();
            out.insert(p.name.clone(), (p.shape.clone(), values));
        }
        Ok(out)
    }
}

/// Starting values of one parameter from a generator keyed by seed and name.
fn start(p: &Param, seed: u64) -> Vec<f32> {
    let key = p.name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    let mut rng = Rng::at(key);
    // Never 0, whose logarithm is not finite.
    let mut unit = move || ((rng.bits() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    let n = p.shape.elements();
    let uniform = |bound: f64, unit: &mut dyn FnMut() -> f64| (0..n).map(|_| (bound * (2.0 * unit() - 1.0)) as f32).collect();
    match p.init {
        Init::Fill(v) => vec![v; n],
        Init::Uniform(bound) => uniform(f64::from(bound), &mut unit),
        Init::Xavier(fan_in, fan_out) => uniform((6.0 / (fan_in + fan_out) as f64).sqrt(), &mut unit),
        Init::KaimingFanOut(fan_out) => {
            let sd = (2.0 / fan_out as f64).sqrt();
            // Box & Muller 1958.
            (0..n).map(|_| (sd * (-2.0 * unit().ln()).sqrt() * (std::f64::consts::TAU * unit()).cos()) as f32).collect()
        }
        Init::Orthogonal => orthogonal(&p.shape, &mut || normal(&mut unit)),
        Init::Sinusoids => sinusoids(&p.shape),
        Init::Profiles => super::profiles::kernels(&p.shape, &mut unit),
        Init::ForgetGate => (0..n).map(|i| f32::from(u8::from(4 * i / n.max(1) == 1))).collect(),
    }
}

/// Sines, then cosines of positions (P, D).
fn sinusoids(shape: &Shape) -> Vec<f32> {
    let (width, half) = (shape.last().copied().unwrap_or(1), shape.last().map_or(1, |d| d / 2).max(1));
    let value = |i: usize| {
        let (position, d) = (i / width, i % width);
        let frequency = (-(10_000f64.ln()) * (d % half) as f64 / (half - 1).max(1) as f64).exp();
        let angle = position as f64 * frequency;
        (if d < half { angle.sin() } else { angle.cos() }) as f32
    };
    (0..shape.elements()).map(value).collect()
}

/// A matrix whose shorter side's vectors are orthonormal: normal ones, each freed of those before it (twice, against rounding).
fn orthogonal(shape: &Shape, normal: &mut impl FnMut() -> f64) -> Vec<f32> {
    let (rows, cols) = (shape.first().copied().unwrap_or(1), shape.elements() / shape.first().copied().unwrap_or(1).max(1));
    let (count, len) = (rows.min(cols), rows.max(cols));
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(count);
    while basis.len() < count {
        let mut v: Vec<f64> = (0..len).map(|_| normal()).collect();
        for b in basis.iter().chain(&basis) {
            let along: f64 = b.iter().zip(&v).map(|(b, v)| b * v).sum();
            v.iter_mut().zip(b).for_each(|(v, b)| *v -= along * b);
        }
        let norm = v.iter().map(|v| v * v).sum::<f64>().sqrt();
        basis.push(v.into_iter().map(|v| v / norm).collect());
    }
    let at = |r: usize, c: usize| if rows >= cols { basis[c][r] } else { basis[r][c] };
    (0..rows * cols).map(|i| at(i / cols, i % cols) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_aligned_and_stable_across_graphs() {
        let mut params = Params::new(|group| group != "trunk");
        let mut g = Graph::new();
        params.param(&mut g, "trunk", "cnn.w", [3, 5], Init::Fill(1.0)).unwrap();
        params.param(&mut g, "emotion", "head.w", [65], Init::Xavier(5, 13)).unwrap();
        params.param(&mut g, "emotion", "head.b", [2], Init::Fill(0.0)).unwrap();
        let mut again = Graph::new();
        params.param(&mut again, "emotion", "head.b", [2], Init::Fill(0.0)).unwrap();
        assert_eq!(params.get("head.b").unwrap().place, StateRef { buffer: TRAINABLE.into(), offset: 128 });
        assert_eq!(params.extent(TRAINABLE), 192);
        assert_eq!(params.count(), 15 + 65 + 2);
        assert!(params.param(&mut again, "emotion", "head.b", [3], Init::Fill(0.0)).is_err());
    }

    #[test]
    fn orthogonal_matrices_are() {
        for [rows, cols] in [[12, 5], [5, 12], [7, 7]] {
            let mut params = Params::new(|_| true);
            params.param(&mut Graph::new(), "", "w", [rows, cols], Init::Orthogonal).unwrap();
            let w = &params.initial(3)["w"].1;
            let at = |i: usize, k: usize| f64::from(if rows >= cols { w[k * cols + i] } else { w[i * cols + k] });
            for i in 0..rows.min(cols) {
                for j in 0..=i {
                    let dot: f64 = (0..rows.max(cols)).map(|k| at(i, k) * at(j, k)).sum();
                    assert!((dot - f64::from(u8::from(i == j))).abs() < 1e-6, "{rows} x {cols}, {i} . {j} = {dot}");
                }
            }
            assert_ne!(params.initial(3)["w"].1, params.initial(4)["w"].1);
        }
    }

    /// Frequencies 1, 10000^(-1/2) and 1/10000.
    #[test]
    fn sinusoids_go_from_fast_to_slow() {
        let mut params = Params::new(|_| true);
        params.param(&mut Graph::new(), "", "p", [3, 6], Init::Sinusoids).unwrap();
        let p = &params.initial(1)["p"].1;
        let want = [1.0f64, 0.01, 0.0001].map(|w| 2.0 * w);
        assert_eq!(p[..6], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        for (k, angle) in want.into_iter().enumerate() {
            assert!((f64::from(p[12 + k]) - angle.sin()).abs() < 1e-7 && (f64::from(p[15 + k]) - angle.cos()).abs() < 1e-7, "{p:?}");
        }
    }

    #[test]
    fn the_forget_gate_starts_open() {
        let mut params = Params::new(|_| true);
        params.param(&mut Graph::new(), "", "b", [8], Init::ForgetGate).unwrap();
        assert_eq!(params.initial(1)["b"].1, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn kaiming_has_the_right_spread() {
        let mut params = Params::new(|_| true);
        params.param(&mut Graph::new(), "", "w", [200, 100], Init::KaimingFanOut(50)).unwrap();
        let (_, w) = &params.initial(1)["w"];
        let var = w.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / w.len() as f64;
        assert!((var - 0.04).abs() < 0.002, "variance {var}");
        assert_ne!(params.initial(1)["w"].1, params.initial(2)["w"].1);
    }
}
