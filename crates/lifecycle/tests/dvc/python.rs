//! Python files of parameters beside DVC, which asks Python's own `ast`.

use everloop_lifecycle::dvc::read_params;
use serde_json::Value as Json;

#[test]
fn python_files_are_read_as_dvc_reads_them() {
    let cases: Json = serde_json::from_str(include_str!("../golden/dvc/python.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let params = read_params("p.py", text).map(|params| params.json());
        assert_eq!(params.as_ref(), Ok(&case["params"]), "{text}");
    }
}
