//! From graph to replayable program: prune, lower, plan memory, record.

mod arena;
mod elide;

mod fuse;
mod plan;
mod program;
mod states;
mod trial;

pub use arena::Slot;
pub use plan::{Home, Options, Plan, Row};
pub use program::Program;
pub use states::States;
pub use trial::{Pass, Trial, assemble};
