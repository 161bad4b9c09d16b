//! The order in which DVC runs stages.

use std::collections::HashSet;

use everloop_lifecycle::dvc::{Graph, Member, Selection, Target};

use crate::golden::{first_pipeline, projects, texts};

#[test]
fn stages_run_in_the_order_of_dvc() {
    for (name, project) in projects() {
        let graph = Graph::of(&[&first_pipeline(&project)]).unwrap();
        for ask in project["orders"].as_array().unwrap() {
            let named = texts(&ask["targets"]);
            let targets: Vec<usize> = named
                .iter()
                .flat_map(|target| graph.find(&Target::parse(target), ""))
                .collect();
            assert!(named.is_empty() || !targets.is_empty(), "{name} {ask}");
            let selection = match (&ask["pipeline"], &ask["downstream"]) {
                (serde_json::Value::Bool(true), _) => Selection::Pipeline,
                (_, serde_json::Value::Bool(true)) => Selection::Downstream,
                _ => Selection::Upstream,
            };
            let order = graph.order(&targets, selection);
            let mut ours: Vec<String> = order
                .iter()
                .map(|at| graph.members()[*at].address())
                .collect();
            let mut theirs = texts(&ask["order"]);
            check_needs(&graph, &order);
            // DVC walks through parts of less than half of a graph in the order of hashes.
            let is_several = selection == Selection::Pipeline && targets.len() > 1;
            if is_several || theirs.len() * 2 < graph.members().len() {
                ours.sort();
                theirs.sort_unstable();
            }
            assert_eq!(ours, theirs, "{name} {ask}");
        }
    }
}

#[track_caller]
fn check_needs(graph: &Graph, order: &[usize]) {
    let place = |at: &usize| order.iter().position(|other| other == at);
    for at in order {
        for need in graph.needs(*at) {
            assert!(place(need).is_none_or(|before| Some(before) < place(at)));
        }
    }
    let plan = graph.plan(order);
    assert_eq!(plan.stages().len(), order.len());
    for (at, stage) in order.iter().zip(plan.stages()) {
        let needs: HashSet<usize> = stage.needs.iter().map(|need| order[*need]).collect();
        let named = graph.needs(*at).iter().copied();
        let named: HashSet<usize> = named.filter(|need| order.contains(need)).collect();
        assert_eq!(needs, named, "{}", stage.name);
    }
    everloop_lifecycle::Plan::new(plan.stages().to_vec()).unwrap();
}

/// A stage that is frozen does not need what it reads, but it must not read while that is written.
#[test]
fn stages_that_share_files_follow_each_other() {
    let member = |name: &str, deps: &[&str], out: &str, is_frozen| Member {
        file: "dvc.yaml".to_owned(),
        name: Some(name.to_owned()),
        group: None,
        deps: deps.iter().map(|dep| (*dep).to_owned()).collect(),
        outs: vec![out.to_owned()],
        is_frozen,
        action: String::new(),
    };
    let still = member("still", &["x"], "y", true);
    let graph = Graph::new(vec![still, member("make", &[], "x", false)]).unwrap();
    for order in [[0, 1], [1, 0]] {
        let plan = graph.plan(&order);
        assert!(plan.stages().iter().all(|stage| stage.needs.is_empty()));
        assert_eq!(plan.stages()[1].after, [0]);
    }
}

#[test]
fn long_chains_and_wide_graphs_take_linear_time() {
    let chain = (0..20_000).map(|at| Member {
        file: "dvc.yaml".to_owned(),
        name: Some(format!("s{at}")),
        group: None,
        deps: vec![format!("d/{}", at + 1)],
        outs: vec![format!("d/{at}")],
        is_frozen: false,
        action: String::new(),
    });
    let graph = Graph::new(chain.collect()).unwrap();
    assert_eq!(graph.order(&[], Selection::Upstream)[0], 19_999);
    assert_eq!(graph.order(&[5], Selection::Pipeline).len(), 20_000);
}
