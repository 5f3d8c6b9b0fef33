//! Tolerances on [`error`](super::error).

/// One rounding per element.
pub const EXACT: f64 = 1e-6;
/// Transcendental functions of f32 hardware (a few ulp each, some adapters approximate).
pub const FUNCTION: f64 = 2e-5;
/// Sums of up to some thousands of f32 terms of mixed sign.
pub const SUM: f64 = 1e-4;
/// Sums of terms whose operands an adapter rounded to 11 bits each.
pub const HALF: f64 = 5e-3;
/// What may come to another tolerance where values are kept in half precision: roundings of what passes between the kernels of an op, and of
/// what it makes.
pub const HALVES: f64 = 2.0 * HALF;
