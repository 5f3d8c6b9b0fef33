//! From graph to replayable program: prune, lower, plan memory, record.

mod apart;
mod arena;
mod elide;
mod fuse;
mod halve;
mod in_place;
mod kept;
mod memory;
mod passes;
mod plan;
mod program;
mod states;
mod tensor;
mod trial;
mod uses;

pub use arena::Offset;
pub use kept::Kept;
pub use plan::{Location, Options, Plan, PlannedNode, Storage};
pub use program::Program;
pub use states::States;
pub use trial::{Trial, TrialPass, assemble};
