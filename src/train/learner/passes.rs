//! The programs that make gradients: one, or where inputs differ in length one for each room, all on the same state.

use super::build::{Making, gradient};
use crate::compile::{Kept, Program, States};
use crate::gpu::{Readback, Ticket};
use crate::nn::Params;
use crate::nn::optimiser::NORM;
use crate::train::anomaly::Anomaly;
use crate::train::recipe::{Source, io};
use crate::train::rooms::Rooms;
use crate::train::step::Batch;
use crate::{Error, Result};

/// Programs kept beside the one at work, and bytes of their intermediate values.
const PROGRAMS_KEPT: usize = 12;
const BYTES_KEPT: u64 = 2 << 30;

/// Forward and backward pass over inputs of one shape, with the update where a batch comes in one part.
struct Pass {
    source: Source,
    program: Program,
    /// Loss, and the gradient's norm where the update is part of the program.
    readback: Readback,
    anomaly: Anomaly,
}

/// A pass at work, and others that are kept.
pub(super) struct Passes {
    making: Making,
    rooms: Option<Rooms>,
    now: Pass,
    others: Kept<Source, Pass>,
}

impl Making {
    fn pass(&self, source: Source, params: &mut Params, states: &States) -> Result<Pass> {
        let train = &self.recipe.config.train;
        let built = self.recipe.training(params, &self.stage, train.rows(), source)?;
        let (graph, anomaly) = gradient(built, params, self)?;
        let program = Program::new(&graph, states, self.options.clone())?;
        let readback = program.readback(if self.parts > 1 { &[io::LOSS] } else { &[io::LOSS, NORM] })?;
        Ok(Pass { source, program, readback, anomaly })
    }
}

impl Passes {
    /// The pass over inputs of `source`.
    ///
    /// # Errors
    /// Shape errors; memory and device faults.
    pub fn new(making: Making, source: Source, params: &mut Params, states: &States) -> Result<Self> {
        let rooms = if source == Source::Features { None } else { Rooms::of(&making.recipe.config.inputs()?) };
        // The most there may be.
        let source = rooms.filter(|_| source == Source::Raw).map_or(source, |rooms| Source::Frames(rooms.most()));
        let now = making.pass(source, params, states)?;
        Ok(Passes { making, rooms, now, others: Kept::new(PROGRAMS_KEPT, BYTES_KEPT) })
    }

    /// The program at work.
    pub fn program(&self) -> &Program {
        &self.now.program
    }

    /// Where parts have lengths of their own: what enters the network with this one.
    fn source(&self, part: &Batch) -> Source {
        let rows = self.making.recipe.config.train.rows();
        self.rooms.map_or(self.now.source, |rooms| Source::Frames(rooms.of_batch(&part.x, rows)))
    }

    /// Whether the pass at work takes a part.
    pub fn takes(&self, part: &Batch) -> bool {
        self.source(part) == self.now.source
    }

    /// Puts the pass that takes a part to work, which is made where it is not kept.
    ///
    /// # Errors
    /// As [`Passes::new`].
    pub fn turn_to(&mut self, part: &Batch, params: &mut Params, states: &States) -> Result<()> {
        if self.takes(part) {
            return Ok(());
        }
        let source = self.source(part);
        let next = match self.others.take(&source) {
            Some(pass) => pass,
            None => self.others.make(|| states.device().wait(), || self.making.pass(source, params, states))?,
        };
        let before = std::mem::replace(&mut self.now, next);
        let bytes = before.program.plan().arena_bytes();
        self.others.put(before.source, before, bytes);
        Ok(())
    }

    /// Runs the pass at work on what was written; its values are read with the ticket, before another pass is turned to.
    ///
    /// # Errors
    /// Device faults.
    pub fn run(&mut self) -> Result<Ticket> {
        self.now.program.run()?;
        self.now.readback.submit()
    }

    /// Loss and norm of a run, the norm not a number where the update is no part of it.
    ///
    /// # Errors
    /// Device faults.
    pub fn read(&mut self, ticket: Ticket) -> Result<(f64, f64)> {
        let values = self.now.readback.take(ticket)?;
        Ok((f64::from(values[0]), values.get(1).map_or(f64::NAN, |n| f64::from(*n))))
    }

    /// Before a step: copies what only a step that succeeds may change.
    ///
    /// # Errors
    /// A missing buffer.
    pub fn keep(&self, states: &States) -> Result<()> {
        self.now.anomaly.keep(states)
    }

    /// After a step that failed: puts it back.
    ///
    /// # Errors
    /// A missing buffer.
    pub fn undo(&self, states: &States) -> Result<()> {
        self.now.anomaly.undo(states)
    }

    /// The first value of a step of `parts` that is not finite, where there is one; `feed` writes the inputs of one.
    ///
    /// # Errors
    /// Device faults.
    pub fn search(
        &mut self,
        parts: &[Batch],
        params: &mut Params,
        states: &States,
        update: u64,
        feed: impl Fn(&Program, usize) -> Result<()>,
    ) -> Result<Option<Error>> {
        let mut program = None;
        for (m, part) in parts.iter().enumerate() {
            if program.is_none() || !self.takes(part) {
                drop(program.take());
                self.turn_to(part, params, states)?;
                program = Some(self.now.anomaly.program(states)?);
            }
            let Some(program) = &program else { continue };
            feed(program, m)?;
            program.run()?;
            if let Some(what) = program.first_bad()? {
                return Ok(Some(Error::NonFinite(format!("update {update}: {what}"))));
            }
        }
        Ok(None)
    }
}
