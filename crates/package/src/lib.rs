//! The model package: ONNX graph, signature, MLmodel, evaluation, parity.
