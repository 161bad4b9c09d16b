//! Models from outside that lie: errors, never panics, never endless, never all the memory.

use everloop_package::graph::Graph;
use everloop_package::native::Program;
use everloop_package::onnx::{
    AttributeProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, attribute_type,
    data_type,
};
use everloop_package::{Error, Scorer as _, native::NativeModel};
use proptest::prelude::*;

use crate::models;

/// Compiles a changed model of trees and says why it is refused.
#[track_caller]
fn refusal(change: impl Fn(&mut ModelProto)) -> String {
    let mut model = models::forest().model().clone();
    change(&mut model);
    Program::compile(&model).unwrap_err().to_string()
}

fn graph(model: &mut ModelProto) -> &mut everloop_package::onnx::GraphProto {
    model.graph.as_mut().unwrap()
}

fn trees(model: &mut ModelProto) -> &mut NodeProto {
    graph(model)
        .node
        .iter_mut()
        .find(|node| node.op_type == "TreeEnsembleRegressor")
        .unwrap()
}

fn attribute<'a>(model: &'a mut ModelProto, name: &str) -> &'a mut AttributeProto {
    trees(model)
        .attribute
        .iter_mut()
        .find(|attribute| attribute.name == name)
        .unwrap()
}

#[test]
fn names_an_operator_it_does_not_know() {
    let message = refusal(|model| trees(model).op_type = "TreeEnsembleClassifier".to_owned());
    assert!(
        message.contains("`ai.onnx.ml.TreeEnsembleClassifier`"),
        "{message}"
    );
    let message = refusal(|model| trees(model).domain = "com.example".to_owned());
    assert!(
        message.contains("`com.example.TreeEnsembleRegressor`"),
        "{message}"
    );
    let message = refusal(|model| {
        let extra = AttributeProto {
            name: "extra".to_owned(),
            r#type: attribute_type::INT,
            ..AttributeProto::default()
        };
        trees(model).attribute.push(extra);
    });
    assert!(message.contains("attribute `extra`"), "{message}");
    let message = refusal(|model| {
        model.opset_import[0] = OperatorSetIdProto {
            domain: None,
            version: 99,
        };
    });
    assert!(message.contains("version 99"), "{message}");
}

#[test]
fn refuses_trees_that_are_none() {
    let changes: [(&str, i64, &str); 6] = [
        // The root as its own child, a child beyond the end, a child before its beginning.
        ("nodes_truenodeids", 0, "two parents"),
        ("nodes_truenodeids", 1 << 40, "which is none"),
        ("nodes_falsenodeids", -1, "which is none"),
        ("nodes_featureids", -7, "asks for feature -7"),
        ("nodes_featureids", 6, "features of shape [1, 6]"),
        ("target_ids", 1, "target 1 of 1"),
    ];
    for (name, value, expected) in changes {
        let message = refusal(|model| attribute(model, name).ints[0] = value);
        let is_root_cycle = name == "nodes_truenodeids" && value == 0;
        assert!(
            message.contains(expected) || is_root_cycle,
            "{name}: {message}"
        );
    }
    let message = refusal(|model| {
        attribute(model, "nodes_falsenodeids").ints.pop();
    });
    assert!(message.contains("differ in length"), "{message}");
    let message = refusal(|model| attribute(model, "n_targets").i = Some(i64::MAX));
    assert!(message.contains("`n_targets`"), "{message}");
}

#[test]
fn refuses_a_tree_whose_nodes_go_round() {
    // Node 1 of every list is made the child of its own child.
    let message = refusal(|model| {
        for (name, values) in [
            ("nodes_treeids", vec![0, 0, 0]),
            ("nodes_nodeids", vec![0, 1, 2]),
            ("nodes_featureids", vec![0, 0, 0]),
            ("nodes_truenodeids", vec![0, 2, 1]),
            ("nodes_falsenodeids", vec![0, 2, 1]),
            ("nodes_missing_value_tracks_true", vec![0, 0, 0]),
            ("target_treeids", vec![0]),
            ("target_nodeids", vec![0]),
            ("target_ids", vec![0]),
        ] {
            attribute(model, name).ints = values;
        }
        attribute(model, "nodes_modes").strings =
            ["LEAF", "BRANCH_LT", "BRANCH_LT"].map(Into::into).to_vec();
        attribute(model, "nodes_values_as_tensor")
            .t
            .as_mut()
            .unwrap()
            .dims = vec![3];
        attribute(model, "nodes_values_as_tensor")
            .t
            .as_mut()
            .unwrap()
            .double_data = vec![0.0; 3];
        attribute(model, "target_weights_as_tensor")
            .t
            .as_mut()
            .unwrap()
            .dims = vec![1];
        attribute(model, "target_weights_as_tensor")
            .t
            .as_mut()
            .unwrap()
            .double_data = vec![0.0];
    });
    assert!(
        message.contains("two parents") || message.contains("cycle"),
        "{message}"
    );
}

#[test]
fn refuses_constants_that_lie_about_their_size() {
    let constant = |dims: Vec<i64>| TensorProto {
        dims,
        data_type: data_type::DOUBLE,
        name: "liar".to_owned(),
        double_data: vec![1.0],
        ..TensorProto::default()
    };
    for dims in [
        vec![2],
        vec![-1],
        vec![1 << 62, 1 << 62],
        vec![1 << 20, 1 << 20],
        vec![1, 1, 1],
    ] {
        let message = refusal(|model| graph(model).initializer.push(constant(dims.clone())));
        assert!(message.contains("constant `liar`"), "{dims:?}: {message}");
    }
    let message = refusal(|model| {
        let external = TensorProto {
            data_location: 1,
            ..constant(vec![1])
        };
        graph(model).initializer.push(external);
    });
    assert!(message.contains("another file"), "{message}");
}

#[test]
fn refuses_edges_that_do_not_hang_together() {
    let message = refusal(|model| graph(model).node.reverse());
    assert!(message.contains("before it is computed"), "{message}");
    let message = refusal(|model| {
        let twice = graph(model).node[0].clone();
        graph(model).node.push(twice);
    });
    assert!(message.contains("defined twice"), "{message}");
    let message = refusal(|model| model.graph = None);
    assert!(message.contains("no graph"), "{message}");
    let message = refusal(|model| graph(model).output[0].name = "nowhere".to_owned());
    assert!(message.contains("`nowhere`"), "{message}");
}

#[test]
fn refuses_a_graph_that_grows_beyond_all_bounds() {
    // Each step doubles the width: 2^40 numbers in the end.
    let mut model = models::forest().model().clone();
    let wide = graph(&mut model)
        .node
        .iter()
        .find(|node| node.op_type == "Concat")
        .unwrap()
        .clone();
    let mut last = wide.output[0].clone();
    for step in 0..40 {
        let output = format!("wide{step}");
        let node = NodeProto {
            input: vec![last.clone(), last],
            output: vec![output.clone()],
            ..wide.clone()
        };
        graph(&mut model).node.push(node);
        last = output;
    }
    graph(&mut model).output[0].name = last;
    let message = Program::compile(&model).unwrap_err().to_string();
    assert!(message.contains("elements"), "{message}");
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let model = NativeModel::new(&models::forest()).unwrap();
    let rows = models::rows(3, 1);
    let error = model.score(&rows.project(&[0, 1]).unwrap()).unwrap_err();
    assert!(
        matches!(&error, Error::Column { column, .. } if column == "i"),
        "{error}"
    );
    let swapped = rows.project(&[0, 1, 4, 3, 2, 5, 6, 7]).unwrap();
    assert_eq!(model.score(&swapped).unwrap(), model.score(&rows).unwrap());
    assert_eq!(model.score(&rows.slice(0, 0)).unwrap().num_rows(), 0);
}

#[test]
fn a_row_scores_the_same_alone_and_in_a_batch() {
    for graph in [
        models::forest(),
        models::boosted_classes(&models::integers(&[1, 2, 3])),
        models::linear_regression(),
    ] {
        let model = NativeModel::new(&graph).unwrap();
        let rows = models::rows(2500, 3);
        let together = model.score(&rows).unwrap();
        for at in [0, 7, 8, 1023, 1024, 2047, 2499] {
            assert_eq!(
                model.score(&rows.slice(at, 1)).unwrap(),
                together.slice(at, 1),
                "row {at}"
            );
        }
    }
}

/// Everything a reader of hostile bytes does.
fn use_bytes(bytes: &[u8]) {
    let Ok(graph) = Graph::from_bytes(bytes) else {
        return;
    };
    let Ok(model) = NativeModel::new(&graph) else {
        return;
    };
    let Ok(rows) = graph.signature().conform(&models::rows(20, 2)) else {
        return;
    };
    let _ = model.score(&rows);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_never_panic(
        which in 0_usize..4,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..6),
    ) {
        let graph = match which {
            0 => models::softmax_regression(&models::texts(&["a", "b", "c"])),
            1 => models::linear_regression(),
            2 => models::features(&["if(a > 1, t, u)", "t in ('x', 'y')", "coalesce(a, b) % i", "t = u"]),
            _ => models::boosted_classes(&models::integers(&[1, 2])),
        };
        let mut bytes = graph.to_bytes();
        for (place, value, how) in changes {
            let at = place.index(bytes.len());
            match how {
                0 => bytes[at] = value,
                1 => bytes[at] ^= 1 << (value % 8),
                2 => bytes.insert(at, value),
                _ => { bytes.remove(at); }
            }
        }
        use_bytes(&bytes);
        bytes.truncate(bytes.len() / 2);
        use_bytes(&bytes);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        use_bytes(&bytes);
    }
}
