//! The network in evaluation mode on a device: the one place where inference is compiled and run in batches.

use super::recipe::{Recipe, Source, io};
use super::rooms::Rooms;
use crate::compile::{Kept, Options, Program, States};
use crate::gpu::Device;
use crate::nn::{Params, Weights};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Frames of a batch of inputs that differ in length: of long ones fewer are computed at a time.
const FRAMES_AT_ONCE: usize = 16_384;
/// Programs kept for such inputs, and bytes of their intermediate values.
const PROGRAMS_KEPT: usize = 24;
const BYTES_KEPT: u64 = 1 << 30;

/// A network with weights, ready to be asked for the results it was compiled for.
pub struct Inference {
    recipe: Recipe,
    source: Source,
    params: Params,
    states: States,
    results: Vec<String>,
    options: Options,
    batch: usize,
    rooms: Option<Rooms>,
    whole: bool,
    /// By what enters and how many inputs at a time; inputs of one shape have one program.
    programs: Mutex<Kept<(Source, usize), Arc<Program>>>,
}

impl Inference {
    /// Compiles the network of `recipe` for raw inputs, `batch` at a time, with weights of its own; `results` are those of
    /// [`Recipe::inference`]. Where inputs differ in length it is compiled for each room when that is first met.
    ///
    /// # Errors
    /// [`Error::Graph`] naming a tensor that is missing or belongs to no parameter; wrong shapes; device faults.
    pub fn new(device: &Arc<Device>, recipe: &Recipe, weights: &Weights, batch: usize, results: &[&str], options: Options) -> Result<Self> {
        let mut params = Params::new(|_| false);
        recipe.inference(&mut params, batch, Source::Raw, results)?;
        if let Some(name) = weights.keys().find(|n| params.get(n).is_none()) {
            return Err(Error::Graph(format!("tensor {name} belongs to no parameter of the network")));
        }
        let mut states = States::new(device);
        params.allocate(&mut states)?;
        params.upload(&states, weights, true)?;
        Self::sharing(recipe, (&params, &states), Source::Raw, batch, results, options)
    }

    /// The same for features that are known already.
    ///
    /// # Errors
    /// As [`Inference::new`].
    pub(super) fn on_features(
        device: &Arc<Device>,
        recipe: &Recipe,
        weights: &Weights,
        batch: usize,
        results: &[&str],
        options: Options,
    ) -> Result<Self> {
        let mut params = Params::new(|_| false);
        recipe.inference(&mut params, batch, Source::Features, results)?;
        let mut states = States::new(device);
        params.allocate(&mut states)?;
        params.upload(&states, weights, true)?;
        Self::sharing(recipe, (&params, &states), Source::Features, batch, results, options)
    }

    /// The same on weights that others change: `params` and their values, where a graph of these results has been built before.
    ///
    /// # Errors
    /// Memory and device faults.
    pub(super) fn sharing(
        recipe: &Recipe,
        (params, states): (&Params, &States),
        source: Source,
        batch: usize,
        results: &[&str],
        options: Options,
    ) -> Result<Self> {
        let rooms = if source == Source::Features { None } else { Rooms::of(&recipe.config.inputs()?) };
        let inference = Inference {
            recipe: recipe.clone(),
            source,
            params: params.clone(),
            states: states.clone(),
            results: results.iter().map(ToString::to_string).collect(),
            options,
            batch,
            rooms,
            whole: false,
            programs: Mutex::new(Kept::new(PROGRAMS_KEPT, BYTES_KEPT)),
        };
        if rooms.is_none() {
            inference.program(source, batch)?;
        }
        Ok(inference)
    }

    /// The weights it has.
    ///
    /// # Errors
    /// Device faults.
    pub fn weights(&self) -> Result<Weights> {
        self.params.download(&self.states, None)
    }

    /// Computes batches of one size for each room, however few inputs there are for the last: then the values of an input are the same to the
    /// bit, whatever others it is asked with.
    pub fn in_whole_batches(self) -> Self {
        Inference { whole: true, ..self }
    }

    /// The values of `result` for `n` inputs that `row` gives, in their order. They are computed in batches, of inputs of similar length where
    /// these differ; a batch that is not full is filled up with its own first row.
    ///
    /// # Errors
    /// Device faults.
    pub fn run<'a>(&self, result: &str, n: usize, row: &dyn Fn(usize) -> &'a [f32]) -> Result<Vec<Vec<f32>>> {
        let [values] = self.run_each([result], n, row)?;
        Ok(values)
    }

    /// The same of several results, computed once.
    ///
    /// # Errors
    /// Device faults.
    pub fn run_each<'a, const R: usize>(
        &self,
        results: [&str; R],
        n: usize,
        row: &dyn Fn(usize) -> &'a [f32],
    ) -> Result<[Vec<Vec<f32>>; R]> {
        let mut out = std::array::from_fn(|_| vec![Vec::new(); n]);
        match self.rooms {
            Some(rooms) => self.run_by_rooms(rooms, results, &mut out, row)?,
            None => self.run_alike(results, &mut out, row)?,
        }
        Ok(out)
    }

    fn run_alike<'a, const R: usize>(
        &self,
        results: [&str; R],
        out: &mut [Vec<Vec<f32>>; R],
        row: &dyn Fn(usize) -> &'a [f32],
    ) -> Result<()> {
        let program = self.program(self.source, self.batch)?;
        let n = out.first().map_or(0, Vec::len);
        let mut x = Vec::new();
        for start in (0..n).step_by(self.batch) {
            let rows = self.batch.min(n - start);
            x.clear();
            for i in 0..self.batch {
                x.extend_from_slice(row(start + if i < rows { i } else { 0 }));
            }
            program.write(io::X, &x)?;
            program.run()?;
            for (out, result) in out.iter_mut().zip(results) {
                let y = program.read(result)?;
                let width = (y.len() / self.batch).max(1);
                out[start..start + rows].iter_mut().zip(y.chunks(width)).for_each(|(out, y)| *out = y.to_vec());
            }
        }
        Ok(())
    }

    fn run_by_rooms<'a, const R: usize>(
        &self,
        rooms: Rooms,
        results: [&str; R],
        out: &mut [Vec<Vec<f32>>; R],
        row: &dyn Fn(usize) -> &'a [f32],
    ) -> Result<()> {
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        (0..out.first().map_or(0, Vec::len)).for_each(|i| members.entry(rooms.room(row(i))).or_default().push(i));
        for (room, members) in members {
            let most = (FRAMES_AT_ONCE / room).clamp(1, self.batch);
            for part in members.chunks(most) {
                // Powers of two, so that few programs serve any number of inputs.
                let slots = if self.whole { most } else { part.len().next_power_of_two().min(most) };
                let filled = part.iter().chain(std::iter::repeat(&part[0])).take(slots);
                let (x, lengths) = rooms.fill(filled.map(|i| row(*i)), room);
                let program = self.program(Source::Frames(room), slots)?;
                program.write(io::X, &x)?;
                if program.has_input(io::LENGTHS) {
                    program.write_u32(io::LENGTHS, &lengths)?;
                }
                program.run()?;
                for (out, result) in out.iter_mut().zip(results) {
                    let y = program.read(result)?;
                    y.chunks((y.len() / slots).max(1)).zip(part).for_each(|(y, &i)| out[i] = y.to_vec());
                }
            }
        }
        Ok(())
    }

    /// The program for `inputs` inputs, compiled where it is not kept.
    fn program(&self, source: Source, inputs: usize) -> Result<Arc<Program>> {
        let key = (source, inputs);
        let mut kept = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let program = match kept.take(&key) {
            Some(program) => program,
            None => kept.make(|| self.states.device().wait(), || self.compile(source, inputs).map(Arc::new))?,
        };
        kept.put(key, program.clone(), program.plan().arena_bytes());
        Ok(program)
    }

    fn compile(&self, source: Source, inputs: usize) -> Result<Program> {
        let results: Vec<&str> = self.results.iter().map(String::as_str).collect();
        let graph = self.recipe.inference(&mut self.params.clone(), inputs, source, &results)?;
        Program::new(&graph, &self.states, self.options.clone())
    }
}

impl Recipe {
    /// The parameters of the network, without values.
    ///
    /// # Errors
    /// Shape errors of the network.
    pub fn parameters(&self) -> Result<Params> {
        let mut params = Params::new(|_| true);
        self.inference(&mut params, 1, Source::Raw, &[])?;
        Ok(params)
    }

    /// Weights of every parameter: those of `weights`, and the start that the seed gives all others. Tensors that belong to no parameter
    /// are left out.
    ///
    /// # Errors
    /// Shape errors of the network.
    pub fn complete_weights(&self, weights: &Weights) -> Result<Weights> {
        let params = self.parameters()?;
        let mut all = params.initial(self.config.train.seed);
        let known = weights.iter().filter(|(name, _)| params.get(name).is_some());
        all.extend(known.map(|(name, values)| (name.clone(), values.clone())));
        Ok(all)
    }
}
