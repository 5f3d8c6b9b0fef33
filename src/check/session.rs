//! A case on a device: its program, its state, and what they are compared with.

use super::case::{Case, Compared, Role};
use super::input::{Input, Kind, halves};
use super::values::Values;
use crate::compile::{Options, Plan, States, Storage, Trial, TrialPass, assemble};
use crate::gpu::{Device, Launch};
use crate::graph::{Graph, Operand, STATE_ALIGN, StateRef};
use crate::kernels::Target;
use crate::reference::noise;
use crate::{Error, Result};
use std::sync::Arc;

/// What surrounds a region of state, to see that an update stays inside.
const BORDER: f32 = 123.0;

/// Where input `i` is kept in state.
fn place(i: usize) -> StateRef {
    StateRef { buffer: format!("x{i}"), offset: STATE_ALIGN }
}

/// A case that can run.
struct Session<'a> {
    case: &'a Case,
    trial: Trial,
    states: States,
    /// Upstream gradients; empty where nothing depends on the output.
    dy: Vec<Vec<f64>>,
}

impl<'a> Session<'a> {
    /// Compiles a pass and writes the inputs of the first run.
    fn new(case: &'a Case, device: &Arc<Device>, pass: &TrialPass, options: Options) -> Result<Self> {
        let mut states = States::new(device);
        for (i, x) in case.inputs.iter().enumerate().filter(|(_, x)| x.kind == Kind::State) {
            let all = [vec![BORDER; STATE_ALIGN], single(&x.values(0)), vec![BORDER; STATE_ALIGN]].concat();
            states.create(&place(i).buffer, all.len())?;
            states.write(&StateRef { offset: 0, ..place(i) }, &all)?;
        }
        if let Some(prepare) = &case.prepare {
            prepare(&mut states)?;
        }
        let graph = case.graph(pass)?;
        let trial = Trial::new(&graph, &states, pass, options)?;
        let mut dy = Vec::new();
        for (name, shape) in &trial.inputs {
            let Some(o) = name.strip_prefix("dy").and_then(|o| o.parse().ok()) else { continue };
            dy.resize(o, Vec::new());
            let values = case.dy(o, shape.elements());
            dy.push(if trial.program.halves(name) { rounded(&values) } else { values });
            trial.program.write(name, &single(&dy[o]))?;
        }
        let session = Session { case, trial, states, dy };
        session.feed(&session.first())?;
        Ok(session)
    }

    /// The inputs of the first run, as the device sees them.
    fn first(&self) -> Values {
        let mut x = Values { run: 0, tensors: self.case.inputs.iter().map(|i| i.values(0)).collect() };
        self.seen(&mut x);
        x
    }

    /// The inputs of the next run, as the device sees them.
    fn next(&self, x: &mut Values) {
        x.next(&self.case.inputs);
        self.seen(x);
    }

    fn seen(&self, x: &mut Values) {
        for (i, values) in x.tensors.iter_mut().enumerate() {
            if self.trial.program.halves(&format!("x{i}")) {
                *values = rounded(values);
            }
        }
    }

    /// Writes the inputs of a run.
    fn feed(&self, x: &Values) -> Result<()> {
        for (i, (input, values)) in self.case.inputs.iter().zip(x.iter()).enumerate() {
            let name = format!("x{i}");
            match input.kind {
                Kind::Host => self.trial.program.write(&name, &single(values))?,
                Kind::Words => self.trial.program.write_u32(&name, &values.iter().map(|&v| v as u32).collect::<Vec<_>>())?,
                Kind::State => {}
            }
        }
        Ok(())
    }

    /// Runs once; `x` then holds the state that the reference expects.
    fn compare(&self, x: &mut Values) -> Result<Vec<Compared>> {
        let case = self.case;
        self.trial.program.run()?;
        let forward = case.forward.as_ref().ok_or_else(|| Error::Graph(format!("{} has no reference", case.name)))?;
        let gradients: Vec<usize> = (0..x.len()).filter(|&i| case.inputs[i].differentiable).collect();
        let kept: Vec<usize> = (0..x.len()).filter(|&i| case.inputs[i].kind == Kind::State).collect();
        let outputs = self.trial.outputs.len() - gradients.len();
        let roles =
            (0..outputs).map(Role::Output).chain(kept.into_iter().map(Role::State)).chain(gradients.into_iter().map(Role::Gradient));
        let roles: Vec<Role> = roles.collect();
        let mut want = forward(x);
        want.extend(case.backward.iter().flat_map(|backward| backward(x, &self.dy)));
        if want.len() != roles.len() {
            return Err(Error::shape(&case.name, format!("{} tensors", roles.len()), format!("{} from the reference", want.len())));
        }
        let mut compared = Vec::new();
        for (role, want) in roles.into_iter().zip(want) {
            let Some(want) = want else { continue };
            let got = match role {
                Role::State(i) => self.inside(i)?,
                _ => self.trial.program.read(&role.to_string())?,
            };
            if let Role::State(i) = role {
                x.tensors[i].clone_from(&want);
            }
            compared.push(Compared { role, got, want });
        }
        Ok(compared)
    }

    /// Looks at the sentinels behind every value.
    fn bounds(&self) -> Result<()> {
        match self.trial.program.overruns()? {
            0 => Ok(()),
            n => Err(Error::Graph(format!("kernels wrote past the end of {n} values"))),
        }
    }

    /// The values of an input kept in state, whose borders are looked at.
    fn inside(&self, i: usize) -> Result<Vec<f32>> {
        let n = self.case.inputs[i].shape.elements();
        let all = self.states.read(&StateRef { offset: 0, ..place(i) }, n + 2 * STATE_ALIGN)?;
        let (values, after) = all[STATE_ALIGN..].split_at(n);
        match all[..STATE_ALIGN].iter().chain(after).all(|&v| v == BORDER) {
            true => Ok(values.to_vec()),
            false => Err(Error::Graph(format!("state {i} was written outside its region"))),
        }
    }
}

impl Case {
    fn graph(&self, pass: &TrialPass) -> Result<Graph> {
        let place = |(i, x): (usize, &Input)| (x.shape.clone(), (x.kind == Kind::State).then(|| place(i)));
        let inputs: Vec<_> = self.inputs.iter().enumerate().map(place).collect();
        let seeded = |o: usize| self.upstream.as_ref().is_none_or(|u| u.get(o).is_some_and(Option::is_some));
        assemble(&inputs, pass, &seeded, &self.build)
    }

    /// The outputs and the gradients that are compared.
    pub fn pass(&self) -> TrialPass {
        TrialPass::Both((0..self.inputs.len()).filter(|&i| self.inputs[i].differentiable).collect())
    }

    /// How a pass is compiled for a device.
    ///
    /// # Errors
    /// See [`Plan::new`].
    pub fn plan(&self, device: &Device, pass: &TrialPass, options: Options) -> Result<Plan> {
        Plan::new(&self.graph(pass)?, device, options)
    }

    /// How it is compiled for an adapter that need not be there.
    ///
    /// # Errors
    /// See [`Plan::new`].
    pub fn plan_on(&self, target: &Target) -> Result<Plan> {
        Plan::on(&self.graph(&self.pass())?, target, Options::default())
    }

    /// Every launch, forward and backward, on an adapter that need not be there.
    ///
    /// # Errors
    /// See [`Plan::new`].
    pub fn launches(&self, target: &Target) -> Result<Vec<Launch<Operand>>> {
        let plan = self.plan_on(target)?;
        Ok(plan.nodes.into_iter().flat_map(|n| n.once.into_iter().chain(n.launches)).collect())
    }

    /// The gradient of output `o`, which has `n` values; empty where nothing depends on it.
    fn dy(&self, o: usize, n: usize) -> Vec<f64> {
        match &self.upstream {
            Some(given) => given.get(o).cloned().flatten().unwrap_or_default(),
            None => noise(7000 + o as u64, n),
        }
    }

    /// Runs the case in memory full of NaN, in which what a kernel forgets or oversteps is seen, and sets every tensor beside the
    /// reference's. Gradients are those of `Σ dy·y` for random `dy`.
    ///
    /// # Errors
    /// Whatever keeps the case from running; a kernel that writes past the end of a value.
    pub fn compare(&self, device: &Arc<Device>) -> Result<Vec<Compared>> {
        self.compare_kept(device, Storage::Single)
    }

    /// The same with values kept as `storage` says, the host's among them.
    ///
    /// # Errors
    /// See [`Case::compare`].
    pub fn compare_kept(&self, device: &Arc<Device>, storage: Storage) -> Result<Vec<Compared>> {
        let session = Session::new(self, device, &self.pass(), Options { poison: true, storage, ..Options::default() })?;
        let mut x = session.first();
        let mut compared = session.compare(&mut x)?;
        for _ in 1..self.runs {
            session.next(&mut x);
            session.feed(&x)?;
            compared.extend(session.compare(&mut x)?);
        }
        session.bounds()?;
        Ok(compared)
    }

    /// The largest error, and of which tensor.
    ///
    /// # Errors
    /// See [`Case::compare`].
    pub fn verify(&self, device: &Arc<Device>) -> Result<(f64, Role)> {
        let all = self.compare(device)?.into_iter().map(|c| (c.error(), c.role));
        let worst = all.max_by(|a, b| a.0.total_cmp(&b.0));
        worst.ok_or_else(|| Error::Graph(format!("{} compares nothing", self.name)))
    }

    /// The outputs, for what no tolerance on the largest value can tell: NaNs, extremes.
    ///
    /// # Errors
    /// See [`Case::compare`].
    pub fn outputs(&self, device: &Arc<Device>, options: Options) -> Result<Vec<Vec<f32>>> {
        let session = Session::new(self, device, &TrialPass::Forward, options)?;
        session.trial.program.run()?;
        session.bounds()?;
        session.trial.outputs.iter().map(|name| session.trial.program.read(name)).collect()
    }

    /// Compiles a pass to be timed, runs it once, and checks that all results are finite.
    ///
    /// # Errors
    /// Whatever keeps it from running; [`Error::NonFinite`].
    pub fn ready(&self, device: &Arc<Device>, pass: &TrialPass) -> Result<Trial> {
        let Session { trial, .. } = Session::new(self, device, pass, Options::default())?;
        trial.program.run()?;
        for name in &trial.outputs {
            if trial.program.read(name)?.iter().any(|v| !v.is_finite()) {
                return Err(Error::NonFinite(self.name.clone()));
            }
        }
        device.wait()?;
        Ok(trial)
    }
}

/// Values as halves; garbage beyond their range stays what it is.
fn rounded(values: &[f64]) -> Vec<f64> {
    halves(values).into_iter().zip(values).map(|(half, v)| if half.is_finite() { half } else { *v }).collect()
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}
