//! `everloop check`, `everloop schema`, `everloop init`.

use everloop_testkit::TestProject;

use crate::projects::{BINARY, line, sample};

#[test]
fn a_new_project_is_in_order_and_runs() {
    let project = sample();
    project.succeed(&["check"]);
    let report = project.succeed(&["run", "--format", "json"]).json();
    assert_eq!(report["outcome"], "promoted", "{report}");
}

#[test]
fn all_problems_are_told_at_once_with_their_places() {
    let text = "version: 1\nproject: p\nsources: {rows: {path: data/none.csv}}\ndataset: {table: rowz, target: y}\n\
                train: {task: regression, trainer: booosting}\nnonsense: 1\n";
    let ran = TestProject::new(BINARY, text).run(&["check", "--format", "json"]);
    assert_eq!(ran.code, 10, "{}", ran.stderr);
    let problems = ran.json();
    let problems = problems.as_array().unwrap();
    let line_of = |word: &str| {
        let found = problems
            .iter()
            .find(|problem| problem["message"].as_str().unwrap().contains(word));
        found.unwrap_or_else(|| panic!("nothing about {word}: {problems:?}"))["line"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(
        (line_of("rowz"), line_of("booosting"), line_of("nonsense")),
        (4, 5, 6)
    );
}

#[test]
fn an_absent_file_and_a_missing_column_are_found() {
    let project = line(50);
    project.write(
        "everloop.yaml",
        std::fs::read_to_string(project.dir().join("everloop.yaml"))
            .unwrap()
            .replace("target: y", "target: z"),
    );
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 10, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("`z`") && ran.stderr.contains("everloop.yaml"),
        "{}",
        ran.stderr
    );
    std::fs::remove_file(project.dir().join("data/line.csv")).unwrap();
    let ran = project.run(&["check"]);
    assert!(ran.stderr.contains("data/line.csv"), "{}", ran.stderr);
}

#[test]
fn a_parameter_of_a_trainer_is_checked_and_can_be_overridden() {
    let project = line(50);
    let ran = project.run(&["check", "--set", "train.parameters.l2=-1"]);
    assert_eq!(ran.code, 10);
    assert!(ran.stderr.contains("`l2` is -1"), "{}", ran.stderr);
    project.succeed(&["check", "--set", "train.parameters.l2=0.5"]);
}

#[test]
fn without_a_project_the_way_out_is_told() {
    let project = line(10);
    std::fs::remove_file(project.dir().join("everloop.yaml")).unwrap();
    let ran = project.run(&["status"]);
    assert_eq!(ran.code, 30);
    assert!(ran.stderr.contains("everloop init"), "{}", ran.stderr);
}

#[test]
fn the_schema_is_json() {
    assert!(line(10).succeed(&["schema"]).json()["properties"]["train"].is_object());
}
