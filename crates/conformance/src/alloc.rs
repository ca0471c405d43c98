//! A global allocator that counts: how `step` is shown to allocate nothing.
//!
//! This is the one file of the crate with `unsafe` code. [`GlobalAlloc`] is an unsafe trait, so an
//! allocator that counts cannot be written without it. The four methods count and hand their
//! arguments to [`System`] unchanged; counting touches a thread-local `Cell<u64>` without
//! destructor and with a constant initial value, which allocates nothing itself.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, with a count of the calls of each thread.
///
/// A test program installs it with [`counting_allocator!`](crate::counting_allocator);
/// [`suite::allocates_nothing`](crate::suite::allocates_nothing) reads it. Counts are per thread,
/// so tests that run side by side do not disturb each other. Cost: one addition per call.
///
/// ```
/// use ergodic_conformance::CountingAllocator;
///
/// ergodic_conformance::counting_allocator!();
///
/// let before = CountingAllocator::calls();
/// let number = std::hint::black_box(Box::new(7));
/// assert_eq!(CountingAllocator::calls() - before, 1);
/// drop(number);
/// assert_eq!(CountingAllocator::calls() - before, 2); // freeing counts as well
/// assert!(CountingAllocator::is_installed());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAllocator;

impl CountingAllocator {
    /// How often this thread has called the allocator, to allocate, grow, shrink or free; 0 for
    /// ever if the allocator is not installed.
    pub fn calls() -> u64 {
        CALLS.with(Cell::get)
    }

    /// Whether this program allocates through it.
    pub fn is_installed() -> bool {
        let before = Self::calls();
        drop(std::hint::black_box(Box::new(0u8)));
        Self::calls() != before
    }

    fn count() {
        // A thread that is ending has no counter any more; nobody reads it then.
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
    }
}

// SAFETY: every method passes its arguments to `System` as they came and returns what `System`
// returned, so the contract of `GlobalAlloc` holds because `System` keeps it. Counting neither
// allocates nor unwinds: the cell is constant-initialised and has no destructor, `try_with` returns
// an error instead of panicking, and 2⁶⁴ calls are out of reach of the addition.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count();
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Self::count();
        // SAFETY: as above; `pointer` came from `System` by one of these methods.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Installs [`CountingAllocator`] in a test program: once, at the top of the file.
///
/// ```
/// ergodic_conformance::counting_allocator!();
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! counting_allocator {
    () => {
        #[global_allocator]
        static COUNTING_ALLOCATOR: $crate::CountingAllocator = $crate::CountingAllocator;
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_that_of_the_system_and_calls_are_counted() {
        let layout = Layout::from_size_align(64, 16).unwrap();
        let before = CountingAllocator::calls();
        // SAFETY: the layout has a size above 0, each block is used within its size, and is freed
        // once with the layout that it has then.
        unsafe {
            let p = CountingAllocator.alloc_zeroed(layout);
            assert!(!p.is_null() && p.addr().is_multiple_of(16));
            assert!((0..64).all(|i| *p.add(i) == 0));
            *p = 7;
            let p = CountingAllocator.realloc(p, layout, 256);
            assert!(!p.is_null());
            assert_eq!(*p, 7);
            CountingAllocator.dealloc(p, Layout::from_size_align(256, 16).unwrap());
            let q = CountingAllocator.alloc(layout);
            assert!(!q.is_null());
            CountingAllocator.dealloc(q, layout);
        }
        assert_eq!(CountingAllocator::calls() - before, 5);
    }

    #[test]
    fn threads_count_for_themselves() {
        let before = CountingAllocator::calls();
        let other = std::thread::spawn(|| {
            CountingAllocator::count();
            CountingAllocator::calls()
        });
        assert_eq!(other.join().unwrap(), 1);
        assert_eq!(CountingAllocator::calls(), before);
    }
}
