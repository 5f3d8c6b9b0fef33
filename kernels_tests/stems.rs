//! All cases, a test per stem.

use crate::case::device;
use emotone::check::{self, Case};
use emotone::kernels::Target;

fn verify(cases: fn(&Target) -> Vec<Case>) {
    let Some(device) = device() else { return };
    let cases = cases(&Target::new(&device));
    assert!(!cases.is_empty());
    println!("{} cases", cases.len());
    let mut failures = Vec::new();
    for c in &cases {
        match c.verify(&device) {
            Ok((error, _)) if error <= c.tolerance => {}
            Ok((error, tensor)) => failures.push(format!("{} {}: {tensor} error {error:.2e} > {:.0e}", c.variant, c.name, c.tolerance)),
            Err(e) => failures.push(format!("{} {}: {e}", c.variant, c.name)),
        }
    }
    assert!(failures.is_empty(), "{} of {} cases fail:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

macro_rules! tests {
    ($($stem:ident),* $(,)?) => {
        $(#[test]
        fn $stem() {
            verify(check::$stem::cases);
        })*

        #[test]
        fn the_list_is_sorted() {
            assert!([$(stringify!($stem)),*].is_sorted());
        }
    };
}
emotone::check_stems!(tests);
