//! Device memory.

use std::sync::Arc;

/// A storage buffer on the device. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Buffer {
    pub(super) raw: Arc<wgpu::Buffer>,
}

impl Buffer {
    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.raw.size()
    }

    /// The byte range `offset..offset + size` as an operand.
    pub fn region(&self, offset: u64, size: u64) -> Region {
        Region { buffer: self.clone(), offset, size }
    }

    /// The whole buffer as an operand.
    pub fn all(&self) -> Region {
        self.region(0, self.size())
    }
}

/// A byte range of a buffer.
#[derive(Debug, Clone)]
pub struct Region {
    /// The buffer.
    pub buffer: Buffer,
    /// First byte; a multiple of the device's storage alignment.
    pub offset: u64,
    /// Length in bytes.
    pub size: u64,
}
