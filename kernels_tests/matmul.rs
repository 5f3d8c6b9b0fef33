//! Which variants the adapter has, and what the wide one takes.

use crate::case::device;
use emotone::check::matmul::{WIDE, variants};
use emotone::kernels::Target;
use emotone::kernels::matmul::Product;
use emotone::kernels::matmul_wide::fits;

#[test]
fn variants_the_adapter_lacks_are_named() {
    let Some(device) = device() else { return };
    for (name, ..) in variants(&Target::new(&device)).into_iter().filter(|(.., variant)| variant.is_none()) {
        eprintln!("SKIPPED: the adapter has not what products and convolutions of the variant `{name}` need");
    }
}

#[test]
fn the_wide_variant_takes_what_is_meant_for_it() {
    for [batch, m, n, k] in WIDE {
        for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
            let p = Product::new(batch, m, n, k, ta, tb);
            assert!(fits(&p), "{p:?}");
        }
    }
}
