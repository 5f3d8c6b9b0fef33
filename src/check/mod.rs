//! Every op on the sizes that break kernels, beside its reference: one list of [cases](Case) for the kernel tests, the
//! [doctor](crate::doctor), benchmarks, conformance and whoever writes an op.

mod case;
mod device;
mod input;
pub mod network;
mod session;
mod solved;
pub mod tol;
mod values;

pub use case::{Case, Compared, Role, error};
pub use device::{device, open};
pub use input::{Input, Kind, LENGTHS, awkward, clips, counts, each_run, fixed, given, normal, words};
pub use values::{Tensors, Values, Vars};

use crate::kernels::Target;
use input::halves;

/// Hands the names of the stems, each a file with `cases`, to a macro.
#[doc(hidden)]
#[macro_export]
macro_rules! check_stems {
    ($with:ident) => {
        $with! {
            activation, attention, attention_decoder, augment, batch_norm, bce_with_logits, capsule_routing, channel_scale, clip,
            conv2d, copy, cross_entropy, decibel, delta, dft, dropout, focal_bce, fusion, heads, in_place, kl_distillation,
            layer_norm, lens, lrn, lstm, margin, masked_softmax, matmul, mel, mixup, moments, optimiser, permute, pointwise, pool2d,
            pre_emphasis, rbf, reduce, resize, row_mean, short_term, slice, softmax, softmax_dropout, squared_hinge, squash,
            squeeze_excite, stft, time_mask, time_pool, votes,
        }
    };
}

macro_rules! stems {
    ($($stem:ident),* $(,)?) => {
        $(pub mod $stem;)*

        /// The cases of each stem, for an adapter.
        pub const STEMS: &[(&str, fn(&Target) -> Vec<Case>)] = &[$((stringify!($stem), $stem::cases)),*];
    };
}
check_stems!(stems);

/// Every case an adapter can run.
pub fn cases(target: &Target) -> impl Iterator<Item = Case> {
    STEMS.iter().flat_map(|(_, cases)| cases(target))
}
