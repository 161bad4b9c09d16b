//! What the server and its models say of themselves.

use everloop_package::Kind;
use serde_json::{Value, json};

use crate::Served;

/// The metadata of the server.
pub(super) fn server() -> Value {
    json!({"name": "everloop", "version": env!("CARGO_PKG_VERSION"), "extensions": []})
}

/// The metadata of a model.
pub(super) fn model(served: &Served) -> Value {
    let tensor =
        |name: &str, kind: Kind| json!({"name": name, "datatype": datatype(kind), "shape": [-1]});
    let inputs = served.signature.inputs.iter();
    let outputs = served.signature.outputs.iter();
    json!({
        "name": served.name,
        "versions": [served.version.to_string()],
        "platform": served.engine.platform(),
        "inputs": inputs.map(|input| tensor(&input.name, input.kind)).collect::<Vec<_>>(),
        "outputs": outputs.map(|output| tensor(&output.name, output.kind)).collect::<Vec<_>>(),
        "parameters": {"digest": served.digest.to_string()},
    })
}

/// The protocol's name of a kind.
pub(super) fn datatype(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "INT64",
        Kind::Number => "FP64",
        // Moments as texts of ISO 8601; numbers of milliseconds are taken too.
        Kind::Text | Kind::Timestamp => "BYTES",
        Kind::Boolean => "BOOL",
    }
}
