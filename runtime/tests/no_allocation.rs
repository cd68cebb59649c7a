//! What happens around every step takes no memory from the heap.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use kiln::pool::Team;
use kiln::rows;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: the system's allocator, counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// One test, so that none runs beside it and allocates.
#[test]
fn regions_and_checks_allocate_nothing() {
    let images = &vec![0.5_f32; 12];
    let digits = &[3_u32, 4];
    for threads in [1, 2, 5] {
        let mut team = Team::new(threads);
        let mut region = |barriers: usize| -> kiln::Result<()> {
            let (image, image_rows) = rows::check("image", &images, &[2, 3], 4)?;
            let (digit, digit_rows) = rows::check("digit", &digits, &[], 4)?;
            rows::check_indices("digit", digit, 10)?;
            rows::check_agree(&[("image", image_rows), ("digit", digit_rows)])?;
            team.run(&|member| {
                for _ in 0..barriers {
                    black_box(&image[member.share(image.len())]);
                    member.barrier();
                }
            });
            Ok(())
        };
        // Whatever the system's locks set up when they are first waited for.
        for barriers in 0..50 {
            assert!(region(barriers % 3).is_ok());
        }
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let results = (0..200).all(|_| region(3).is_ok());
        let after = ALLOCATIONS.load(Ordering::Relaxed);
        assert!(results);
        assert_eq!(after - before, 0, "{threads} threads");
    }
}
