//! Problems that several variants can compute, and which one is taken: the fastest that was measured, else a heuristic's.

use super::Target;

/// A problem that several variants can compute.
pub trait Variants {
    /// One of them.
    type Variant: Copy + PartialEq;

    /// What two problems that take the same time have in common: extents, strides, precision.
    fn key(&self, target: &Target) -> String;

    /// The name by which a variant is recorded.
    fn name(variant: Self::Variant) -> String;

    /// The variant where nothing was measured.
    fn heuristic(&self, target: &Target) -> Self::Variant;

    /// What else this adapter can run; the heuristic's may be among them.
    fn others(&self, target: &Target) -> Vec<Self::Variant>;

    /// All variants this adapter can run, the heuristic's first.
    fn candidates(&self, target: &Target) -> Vec<Self::Variant> {
        let mut all = vec![self.heuristic(target)];
        for v in self.others(target) {
            if !all.contains(&v) {
                all.push(v);
            }
        }
        all
    }

    /// The variant recorded in [`Target::tuned`], if this adapter can run it, else the heuristic's.
    fn choose(&self, target: &Target) -> Self::Variant {
        let recorded = || {
            let name = target.tuned.get(&self.key(target))?;
            self.candidates(target).into_iter().find(|v| Self::name(*v) == *name)
        };
        let recorded = if target.tuned.is_empty() { None } else { recorded() };
        recorded.unwrap_or_else(|| self.heuristic(target))
    }
}
