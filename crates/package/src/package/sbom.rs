//! The bill of materials: what a package is made of and made from, as `CycloneDX` 1.6 with its fields for machine learning.
//!
//! The format is that of ECMA-424 (<https://cyclonedx.org/docs/1.6/json/>): the model with its card, the data that taught
//! it, by digest, and the libraries that load it. No time, no version of ours and no random number stand in it: its serial
//! number is made of the model's digest, so that the same model has the same bytes.

use std::collections::BTreeMap;

use everloop_domain::{Digest, Task};
use serde_json::{Value as Json, json};

use super::quantized::{INT8, QUANTIZED_FROM};
use crate::Signature;

/// The file's name, by the convention of the format.
pub(super) const SBOM: &str = "sbom.cdx.json";

/// What MLflow's client needs to load a package, with the licences. Any other ONNX runtime needs none of it.
const LIBRARIES: [(&str, &str); 5] = [
    ("mlflow", "Apache-2.0"),
    ("numpy", "BSD-3-Clause"),
    ("onnx", "Apache-2.0"),
    ("onnxruntime", "MIT"),
    ("pandas", "BSD-3-Clause"),
];
/// The keys of a package's metadata under which the digests of its data stand.
const DATA: [(&str, &str); 2] = [("train_data", "train"), ("validation_data", "validation")];

/// What the bill tells of.
pub(super) struct Material<'a> {
    pub(super) name: &'a str,
    pub(super) task: Task,
    pub(super) signature: &'a Signature,
    /// The digest of the graph.
    pub(super) graph: &'a Digest,
    pub(super) metadata: &'a BTreeMap<String, String>,
}

/// The text of the file.
pub(super) fn text(material: &Material<'_>) -> Result<String, serde_json::Error> {
    let about = |key: &str| material.metadata.get(key).map(String::as_str);
    let data: Vec<(&str, &str)> = DATA
        .into_iter()
        .filter_map(|(key, name)| Some((name, about(key)?)))
        .collect();
    let mut model = json!({
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": material.name,
        "version": material.graph.short(),
        "hashes": [{ "alg": "SHA-256", "content": material.graph.hex() }],
        "modelCard": { "modelParameters": card(material, &data) },
    });
    if let Some(licence) = about("licence") {
        model["licenses"] = json!([{ "license": { "name": licence } }]);
    }
    if let Some(original) = about(QUANTIZED_FROM) {
        model["pedigree"] = pedigree(material.name, original);
        model["properties"] = json!([{ "name": "everloop:quantization", "value": INT8 }]);
    }
    let mut components: Vec<Json> = data
        .iter()
        .map(|(name, digest)| part(name, digest))
        .collect();
    components.extend(LIBRARIES.map(|(name, licence)| library(name, licence)));
    let refs: Vec<Json> = components
        .iter()
        .map(|component| component["bom-ref"].clone())
        .collect();
    let bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial_number(material.graph),
        "version": 1,
        "metadata": {
            "tools": { "components": [{ "type": "application", "name": "everloop" }] },
            "component": model,
        },
        "components": components,
        "dependencies": [{ "ref": "model", "dependsOn": refs }],
    });
    serde_json::to_string_pretty(&bill).map(|text| text + "\n")
}

fn card(material: &Material<'_>, data: &[(&str, &str)]) -> Json {
    let column = |name: &str, kind: crate::Kind| json!({ "format": format!("{name}: {kind}") });
    let signature = material.signature;
    let inputs = signature.inputs.iter();
    let outputs = signature.outputs.iter();
    let task = if material.task.is_classification() {
        "classification"
    } else {
        material.task.as_str()
    };
    let mut card = json!({
        "approach": { "type": approach(material.task) },
        "task": task,
        "datasets": data.iter().map(|(name, _)| json!({ "ref": data_ref(name) })).collect::<Vec<_>>(),
        "inputs": inputs.map(|input| column(&input.name, input.kind)).collect::<Vec<_>>(),
        "outputs": outputs.map(|output| column(&output.name, output.kind)).collect::<Vec<_>>(),
    });
    if let Some(trainer) = material.metadata.get("trainer") {
        card["architectureFamily"] = json!(trainer);
    }
    card
}

/// How the model learns.
fn approach(task: Task) -> &'static str {
    if task.is_classification() || task == Task::Regression {
        "supervised"
    } else {
        "unsupervised"
    }
}

fn data_ref(name: &str) -> String {
    format!("data:{name}")
}

/// The model that was rounded.
fn pedigree(name: &str, original: &str) -> Json {
    json!({
        "ancestors": [{
            "type": "machine-learning-model",
            "bom-ref": "model:before-quantization",
            "name": name,
            "hashes": [{ "alg": "SHA-256", "content": hex(original) }],
        }],
    })
}

/// The digits of a digest as metadata have it.
fn hex(digest: &str) -> &str {
    digest.rsplit(':').next().unwrap_or(digest)
}

/// A part of the data set.
fn part(name: &str, digest: &str) -> Json {
    json!({
        "type": "data",
        "bom-ref": data_ref(name),
        "name": name,
        "hashes": [{ "alg": "SHA-256", "content": hex(digest) }],
        "data": [{ "type": "dataset", "name": name }],
    })
}

fn library(name: &str, licence: &str) -> Json {
    json!({
        "type": "library",
        "bom-ref": format!("pypi:{name}"),
        "name": name,
        "scope": "optional",
        "purl": format!("pkg:pypi/{name}"),
        "licenses": [{ "license": { "id": licence } }],
    })
}

/// A UUID of version 8 (RFC 9562) that says nothing but the digest.
fn serial_number(graph: &Digest) -> String {
    let hex = graph.hex();
    format!(
        "urn:uuid:{}-{}-8{}-a{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..15],
        &hex[15..18],
        &hex[18..30]
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Input, Kind, Output};

    #[test]
    fn model_data_and_libraries_are_named() {
        let signature = Signature {
            inputs: vec![Input {
                name: "age".to_owned(),
                kind: Kind::Number,
                required: true,
            }],
            outputs: vec![Output {
                name: "prediction".to_owned(),
                kind: Kind::Text,
            }],
        };
        let train = Digest::of(b"rows");
        let metadata = BTreeMap::from([
            ("train_data".to_owned(), train.to_string()),
            ("trainer".to_owned(), "forest".to_owned()),
            ("licence".to_owned(), "our own".to_owned()),
        ]);
        let graph = Digest::of(b"graph");
        let material = Material {
            name: "churn",
            task: Task::Binary,
            signature: &signature,
            graph: &graph,
            metadata: &metadata,
        };
        let first = text(&material).unwrap();
        assert_eq!(first, text(&material).unwrap());
        let bill: Json = serde_json::from_str(&first).unwrap();
        let model = &bill["metadata"]["component"];
        assert_eq!(model["hashes"][0]["content"], graph.hex());
        assert_eq!(model["licenses"][0]["license"]["name"], "our own");
        let parameters = &model["modelCard"]["modelParameters"];
        assert_eq!(parameters["architectureFamily"], "forest");
        assert_eq!(parameters["inputs"][0]["format"], "age: number");
        assert_eq!(bill["components"][0]["hashes"][0]["content"], train.hex());
        assert_eq!(
            bill["dependencies"][0]["dependsOn"][0],
            bill["components"][0]["bom-ref"]
        );
        let serial = bill["serialNumber"].as_str().unwrap();
        assert_eq!(
            (serial.len(), &serial[23..24], &serial[28..29]),
            (45, "8", "a")
        );
    }
}
