//! What a sound guest never does. Each function is undefined in Rust on purpose and defined in
//! WebAssembly; `black_box` and volatile accesses keep the optimiser from seeing it.

use std::hint::{assert_unchecked, black_box};
use std::ptr::{addr_of, read_volatile, write_volatile};

use crate::wasi::http::types::{Fields, OutgoingResponse, ResponseOutparam};
use crate::wasi::io::poll::Pollable;

static mut NEVER: u32 = 0;

fn never() -> bool {
    unsafe { read_volatile(addr_of!(NEVER)) != 0 }
}

pub fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

pub fn spin() {
    while !never() {}
}

/// Calls itself without a frame in linear memory: it's the host's stack that ends.
#[inline(never)]
pub fn recurse(depth: u64) -> u64 {
    if never() {
        return depth;
    }
    recurse(depth + 1).wrapping_mul(31).wrapping_add(depth)
}

pub fn out_of_bounds() {
    unsafe { write_volatile(black_box(0xffff_fff0u32) as *mut u32, 1) }
}

pub fn divide_by_zero() -> u32 {
    let (one, zero) = (black_box(1u32), black_box(0u32));
    unsafe { assert_unchecked(zero != 0) };
    black_box(one / zero)
}

/// Handle 0 never denotes a resource.
pub fn null_handle() {
    unsafe { Pollable::from_handle(0) }.block();
}

/// Sets the response twice: the second time the handle is gone.
pub fn double(out: ResponseOutparam) {
    let again = unsafe { ResponseOutparam::from_handle(out.handle()) };
    ResponseOutparam::set(out, Ok(OutgoingResponse::new(Fields::new())));
    ResponseOutparam::set(again, Ok(OutgoingResponse::new(Fields::new())));
}

/// Grows the memory by 1 MiB at a time until it's refused; gives the MiB it then has.
pub fn grow() -> usize {
    // What the answer needs must come from memory that is there already.
    drop(black_box(Vec::<u8>::with_capacity(48 << 10)));
    while core::arch::wasm32::memory_grow::<0>(16) != usize::MAX {}
    core::arch::wasm32::memory_size::<0>() / 16
}
