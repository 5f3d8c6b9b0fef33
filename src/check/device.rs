//! The device that tests run on.

use crate::gpu::{AdapterRequest, Device};
use std::io::Write;
use std::sync::{Arc, OnceLock};

/// The device for tests, opened once. Without one they print why and skip.
///
/// # Panics
/// Without a device where `EMOTONE_REQUIRE_GPU=1` forbids to skip.
pub fn device() -> Option<Arc<Device>> {
    static DEVICE: OnceLock<Option<Arc<Device>>> = OnceLock::new();
    DEVICE.get_or_init(|| open(&AdapterRequest::from_env())).clone()
}

/// A device for tests, opened anew. Without one they print why and skip.
///
/// # Panics
/// Without a device where `EMOTONE_REQUIRE_GPU=1` forbids to skip.
pub fn open(request: &AdapterRequest) -> Option<Arc<Device>> {
    Device::open(request)
        .inspect_err(|reason| {
            assert!(std::env::var("EMOTONE_REQUIRE_GPU").as_deref() != Ok("1"), "EMOTONE_REQUIRE_GPU=1 and {reason}");
            // Past the test harness, which swallows what a passing test prints with `eprintln!`.
            let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
        })
        .ok()
}
