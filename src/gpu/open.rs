//! Opening a device, and the start-up check.

use super::{AdapterRequest, Device, adapter, self_check};
use crate::Result;
use std::sync::Arc;

impl Device {
    /// Opens the adapter `request` names.
    ///
    /// # Errors
    /// [`Error::NoAdapter`](crate::Error::NoAdapter) or [`Error::Adapter`](crate::Error::Adapter), with what there is, what is missing,
    /// or what the driver gets wrong.
    pub async fn open_async(request: &AdapterRequest) -> Result<Arc<Device>> {
        let mut device = Device::new(adapter::open(request).await?, request);
        if !request.allow_unchecked_driver {
            let subgroup_size = self_check::check(&device).await?;
            device.verified(subgroup_size);
        }
        Ok(Arc::new(device))
    }

    /// The same adapter opened again with shaders that go without wgpu's checks, to compare; none where they are switched off.
    ///
    /// # Errors
    /// As there.
    pub async fn unchecked_async(&self) -> Result<Option<Arc<Device>>> {
        let twin = Device::open_async(&AdapterRequest { unchecked: Some(true), ..self.request().clone() }).await?;
        Ok(twin.caps().unchecked.then_some(twin))
    }
}
