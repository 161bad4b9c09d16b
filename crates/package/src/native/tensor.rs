//! Tensors.
/// No tensor may have more elements.
pub const MAX_ELEMENTS: usize = 1 << 28;
