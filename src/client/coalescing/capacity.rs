//! The permits of calls that wait for their batch or its reply: as many calls, and as many bytes, as the options allow.

use tokio::sync::{Semaphore, SemaphorePermit};

/// The permits that are free.
pub(super) struct Capacity {
    calls: Semaphore,
    bytes: Semaphore,
    /// The permits of a call that is larger than all calls together may be: such a call waits alone.
    max_bytes: u32,
}

/// The permits of calls, which are returned when this is dropped.
pub(super) struct Permits<'a> {
    capacity: &'a Capacity,
    calls: usize,
    bytes: usize,
}

impl Capacity {
    pub(super) fn new(calls: usize, bytes: usize) -> Self {
        let bytes = bytes.min(Semaphore::MAX_PERMITS);
        Self {
            calls: Semaphore::new(calls.min(Semaphore::MAX_PERMITS)),
            bytes: Semaphore::new(bytes),
            max_bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
        }
    }

    /// Takes the permits of a call of that size, and returns whether they were free.
    pub(super) fn try_take(&self, size: usize) -> bool {
        let Ok(call) = self.calls.try_acquire() else {
            return false;
        };
        let Ok(bytes) = self.bytes.try_acquire_many(self.bytes(size)) else {
            return false;
        };
        call.forget();
        bytes.forget();
        true
    }

    /// Takes the permits of a call of that size, and waits for them if they are not free.
    pub(super) async fn take(&self, size: usize) {
        let call = self.calls.acquire().await;
        let bytes = self.bytes.acquire_many(self.bytes(size)).await;
        // The semaphores are never closed.
        let _ = call.map(SemaphorePermit::forget);
        let _ = bytes.map(SemaphorePermit::forget);
    }

    /// Returns the permits of no calls, as a guard to which taken ones are [added](Permits::add).
    pub(super) fn permits(&self) -> Permits<'_> {
        Permits {
            capacity: self,
            calls: 0,
            bytes: 0,
        }
    }

    /// Returns the number of permits for the bytes of a call of that size.
    fn bytes(&self, size: usize) -> u32 {
        u32::try_from(size).map_or(self.max_bytes, |size| size.min(self.max_bytes))
    }
}

impl Permits<'_> {
    /// Adds the permits of a call of that size.
    pub(super) fn add(&mut self, size: usize) {
        self.calls += 1;
        self.bytes += self.capacity.bytes(size) as usize;
    }

    /// Leaves the permits with their calls, which wait again.
    pub(super) fn keep(mut self) {
        self.calls = 0;
        self.bytes = 0;
    }
}

impl Drop for Permits<'_> {
    fn drop(&mut self) {
        if self.calls > 0 {
            self.capacity.calls.add_permits(self.calls);
            self.capacity.bytes.add_permits(self.bytes);
        }
    }
}
