//! A launch: one entry point with its operands, parameters and grid, and what it costs.

use super::params::{self, Value};
use super::reflect::EntryInfo;
use super::wgsl::Tunable;
use crate::{Error, Result};

/// One WGSL file and its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shader {
    /// File stem under `shaders/`.
    pub stem: &'static str,
    /// Unexpanded text.
    pub source: &'static str,
    /// Whether `doctor` has cases that run it, without which wgpu's checks stay in.
    pub(crate) examined: bool,
}

impl Shader {
    /// A program's own.
    pub const fn new(stem: &'static str, source: &'static str) -> Self {
        Shader { stem, source, examined: false }
    }

    /// One of this crate that `doctor` has cases for.
    pub(crate) const fn examined(stem: &'static str, source: &'static str) -> Self {
        Shader { stem, source, examined: true }
    }
}

/// A kernel launch whose operands are of type `B`: graph values while lowering, device buffers when recorded.
#[derive(Debug, Clone)]
pub struct Launch<B> {
    /// The shader file.
    pub shader: &'static Shader,
    /// Entry point.
    pub entry: &'static str,
    /// Overridden tunables.
    pub tunables: Vec<Tunable>,
    /// Parameters by the names of the fields of the shader's `Params`.
    pub params: Vec<(&'static str, Value)>,
    /// Operands by the shader's variable names.
    pub bindings: Vec<(&'static str, B)>,
    /// Variables that this launch has no operand for and does not read. Each is bound to memory of its own, because a browser refuses
    /// operands that overlap.
    pub spare: Vec<&'static str>,
    /// Variables whose operands are kept in half precision; see [`halves`](super::halves).
    pub halves: Vec<&'static str>,
    /// How many workgroups run.
    pub grid: Grid,
    /// Bytes read and written, counting each operand element once.
    pub bytes: u64,
    /// Floating-point operations (a multiply-add counts two).
    pub flops: u64,
}

/// What a shader's variable is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound<'a, B> {
    /// An operand.
    Operand(&'a B),
    /// Memory that nothing else of the launch uses, by number.
    Spare(usize),
}

/// Size of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grid {
    /// Workgroups along x, y, z.
    Groups([u32; 3]),
    /// At least that many invocations, in workgroups of the size the shader declares, folded over x and y.
    Invocations(usize),
}

impl<B> Launch<B> {
    /// A launch of `entry` as one workgroup; parameters, operands, grid and costs are added by the builder methods.
    pub fn new(shader: &'static Shader, entry: &'static str) -> Self {
        let (tunables, params, bindings, spare, halves) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Launch { shader, entry, tunables, params, bindings, spare, halves, grid: Grid::Groups([1, 1, 1]), bytes: 0, flops: 0 }
    }

    /// Sets the parameter `name`. Name and type are checked against the shader when the launch is recorded.
    pub fn set(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.params.push((name, value.into()));
        self
    }

    /// Overrides a tunable constant.
    pub fn tune(mut self, name: &'static str, value: u32) -> Self {
        self.tunables.push((name, value));
        self
    }

    /// Binds `operand` to the shader variable `name`.
    pub fn bind(mut self, name: &'static str, operand: B) -> Self {
        self.bindings.push((name, operand));
        self
    }

    /// Binds what there is of `operand`; without one the launch must not read the variable.
    pub fn bind_any(mut self, name: &'static str, operand: Option<B>) -> Self {
        match operand {
            Some(operand) => self.bindings.push((name, operand)),
            None => self.spare.push(name),
        }
        self
    }

    /// A linear grid of `groups` workgroups, folded over x and y; the shader undoes it with `flat_group`.
    pub fn linear(mut self, groups: u64) -> Self {
        self.grid = Grid::Groups(fold(groups));
        self
    }

    /// As many workgroups as hold `n` invocations, folded as by [`Launch::linear`].
    pub fn invocations(mut self, n: usize) -> Self {
        self.grid = Grid::Invocations(n);
        self
    }

    /// An explicit grid. Each axis must be at most [`MAX_GROUPS`].
    pub fn grid(mut self, groups: [u32; 3]) -> Self {
        self.grid = Grid::Groups(groups);
        self
    }

    /// States the cost: bytes moved and floating-point operations.
    pub fn cost(mut self, bytes: u64, flops: u64) -> Self {
        self.bytes = bytes;
        self.flops = flops;
        self
    }

    /// The same launch with every operand mapped by `f`.
    pub fn map<C, E>(&self, mut f: impl FnMut(&B) -> Result<C, E>) -> Result<Launch<C>, E> {
        let bindings = self.bindings.iter().map(|(n, b)| Ok((*n, f(b)?))).collect::<Result<_, E>>()?;
        Ok(Launch {
            shader: self.shader,
            entry: self.entry,
            tunables: self.tunables.clone(),
            params: self.params.clone(),
            bindings,
            spare: self.spare.clone(),
            halves: self.halves.clone(),
            grid: self.grid,
            bytes: self.bytes,
            flops: self.flops,
        })
    }

    /// Shader and entry point, for messages.
    pub fn name(&self) -> String {
        format!("{}::{}", self.shader.stem, self.entry)
    }

    /// Checks names, types and operands against the entry point; returns the parameter block.
    ///
    /// # Errors
    /// [`Error::Shape`] with the launch, the parameter or operand, and what was expected.
    pub fn check(&self, info: &EntryInfo) -> Result<Vec<u8>> {
        info.bindings.iter().filter(|b| !b.uniform).try_for_each(|b| self.operand(&b.name).map(|_| ()))?;
        let mut given = self.bindings.iter().map(|(n, _)| n).chain(&self.spare);
        if let Some(n) = given.find(|n| !info.bindings.iter().any(|b| b.name == **n)) {
            return Err(Error::shape(self.name(), "operands the shader uses", format!("`{n}`")));
        }
        params::block(&|| self.name(), &info.params, info.params_size, &self.params)
    }

    /// The operand bound to the shader variable `name`, or which of the spare ones it is.
    pub(super) fn operand(&self, name: &str) -> Result<Bound<'_, B>> {
        let operands = self.bindings.iter().filter(|(n, _)| *n == name).map(|(_, operand)| Bound::Operand(operand));
        let spare = self.spare.iter().enumerate().filter(|(_, n)| **n == name).map(|(i, _)| Bound::Spare(i));
        let mut given = operands.chain(spare);
        match (given.next(), given.count()) {
            (Some(bound), 0) => Ok(bound),
            (first, more) => {
                let got = more + usize::from(first.is_some());
                Err(Error::shape(self.name(), format!("one operand for `{name}`"), got.to_string()))
            }
        }
    }

    /// Workgroups along x, y, z.
    pub(super) fn groups(&self, info: &EntryInfo) -> [u32; 3] {
        match self.grid {
            Grid::Groups(groups) => groups,
            Grid::Invocations(n) => fold((n as u64).div_ceil(info.workgroup.iter().map(|&n| u64::from(n)).product())),
        }
    }
}

/// Workgroups per dimension that every WebGPU adapter accepts.
pub const MAX_GROUPS: u32 = 65_535;

/// Folds a linear workgroup count over x and y: at least `groups` workgroups, each axis within [`MAX_GROUPS`].
pub fn fold(groups: u64) -> [u32; 3] {
    let groups = groups.max(1);
    let rows = groups.div_ceil(u64::from(MAX_GROUPS));
    [groups.div_ceil(rows) as u32, rows as u32, 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fold_covers_every_group_within_the_limit() {
        for n in [1u64, 2, 65_535, 65_536, 76_800, 131_071, 4_000_000_000] {
            let [x, y, z] = fold(n);
            assert!(x <= MAX_GROUPS && y <= MAX_GROUPS && z == 1, "{n}: {x} {y}");
            let total = u64::from(x) * u64::from(y);
            assert!(total >= n && total - n < u64::from(y), "{n}: {total}");
        }
    }

    #[test]
    fn what_a_launch_does_not_have_is_bound_apart() {
        static SHADER: Shader = Shader::new("stem", "");
        let launch = Launch::new(&SHADER, "entry").bind("x", 1).bind_any("bias", Some(2)).bind_any("scale", None).bind_any("mean", None);
        let bound = |name| launch.operand(name).ok();
        assert_eq!([bound("x"), bound("bias")], [Some(Bound::Operand(&1)), Some(Bound::Operand(&2))]);
        assert_eq!([bound("scale"), bound("mean")], [Some(Bound::Spare(0)), Some(Bound::Spare(1))]);
        assert_eq!(bound("y"), None);
        assert!(launch.bind("mean", 3).operand("mean").is_err(), "there and not there");
    }
}
