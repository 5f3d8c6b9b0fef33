//! A launch: one entry point with its operands, parameters and grid, and what it costs.

use super::wgsl::Tunable;
use std::sync::Arc;

/// One WGSL file and its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shader {
    /// File stem under `shaders/`.
    pub stem: &'static str,
    /// Unexpanded text.
    pub source: &'static str,
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
    /// Bytes of the uniform block, laid out as the shader's `Params`.
    pub params: Arc<[u8]>,
    /// Operands by the shader's variable names.
    pub bindings: Vec<(&'static str, B)>,
    /// Workgroups along x, y, z.
    pub groups: [u32; 3],
    /// Bytes read and written, counting each operand element once.
    pub bytes: u64,
    /// Floating-point operations (a multiply-add counts two).
    pub flops: u64,
}

impl<B> Launch<B> {
    /// A launch of `entry` with parameters `params`; operands, grid and costs are added by the builder methods.
    pub fn new<P: bytemuck::Pod>(shader: &'static Shader, entry: &'static str, params: &P) -> Self {
        Launch {
            shader,
            entry,
            tunables: Vec::new(),
            params: bytemuck::bytes_of(params).into(),
            bindings: Vec::new(),
            groups: [1, 1, 1],
            bytes: 0,
            flops: 0,
        }
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

    /// A linear grid of `groups` workgroups, folded over x and y; the shader undoes it with `flat_group`.
    pub fn linear(mut self, groups: u64) -> Self {
        self.groups = fold(groups);
        self
    }

    /// An explicit grid. Each axis must be at most [`MAX_GROUPS`].
    pub fn grid(mut self, groups: [u32; 3]) -> Self {
        self.groups = groups;
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
            groups: self.groups,
            bytes: self.bytes,
            flops: self.flops,
        })
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
}
