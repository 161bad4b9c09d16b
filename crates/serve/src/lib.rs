//! Inference: load, batch, protocols, prediction log.
