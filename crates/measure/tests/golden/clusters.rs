//! Scores of groups against scikit-learn: `clusters.json`, made by `gen/clusters.py`.

use everloop_measure::Clusters;
use serde_json::Value;

#[test]
fn groups_are_scored_as_scikit_learn_does() {
    let golden: Value = serde_json::from_str(include_str!("clusters.json")).unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let list = |name: &str| -> Vec<f64> {
            let list = case[name].as_array().unwrap();
            list.iter().map(|value| value.as_f64().unwrap()).collect()
        };
        let labels: Vec<usize> = list("labels").iter().map(|label| *label as usize).collect();
        let values = list("values");
        let n_columns = case["n_columns"].as_u64().unwrap() as usize;
        let clusters = Clusters::new(&values, n_columns, &labels).unwrap();
        for (name, found) in [
            ("silhouette", clusters.silhouette(1000)),
            ("davies_bouldin", clusters.davies_bouldin()),
            ("calinski_harabasz", clusters.calinski_harabasz()),
        ] {
            let expected = case[name].as_f64().unwrap();
            assert!(
                (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
                "{name}: {found} {expected}"
            );
        }
    }
}
