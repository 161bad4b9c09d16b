//! Stages and imports that stay as they are, and new stages: the bytes of their files.

use std::fs;

use everloop_lifecycle::dvc::{NewOut, NewStage};
use everloop_versions::Lineage;

use crate::repositories::{Place, named, refused};

const COMMENTED: &str = "# the whole\nvars:\n- n: 3   # how many\nstages:\n\n  # about one\n  one:  # first\n    # what it runs\n    cmd: 'echo \"frozen: true\"'\n    outs: [b]  # made\n    # the end of one\n\n  two:\n      cmd: |\n        frozen: true\n        # no comment\n      frozen: false  # for now\n      outs:\n      - c\n\n# last words\n";

fn freeze(place: &Place, targets: &[&str], is_frozen: bool) -> Result<Vec<String>, String> {
    let targets: Vec<String> = targets.iter().map(|one| (*one).to_owned()).collect();
    let changed = place.repository.freeze(&named(""), &targets, is_frozen);
    let changed = changed.map_err(|error| error.to_string())?;
    Ok(changed.iter().map(ToString::to_string).collect())
}

#[test]
fn a_frozen_stage_says_so_in_one_line_and_keeps_all_comments() {
    let place = Place::new();
    place.write("dvc.yaml", COMMENTED);
    assert_eq!(freeze(&place, &["one"], true).unwrap(), ["dvc.yaml"]);
    let line = "    outs: [b]  # made\n";
    let expected = COMMENTED.replace(line, &format!("{line}    frozen: true\n"));
    assert_eq!(place.read("dvc.yaml"), expected);
    assert_eq!(freeze(&place, &["one"], false).unwrap(), ["dvc.yaml"]);
    assert_eq!(place.read("dvc.yaml"), COMMENTED);
    // What is said already is not written again.
    assert!(freeze(&place, &["one", "two"], false).unwrap().is_empty());
    assert_eq!(place.read("dvc.yaml"), COMMENTED);
    // The words in its command are its command.
    freeze(&place, &["two"], true).unwrap();
    let expected = COMMENTED.replace("frozen: false  #", "frozen: true  #");
    assert_eq!(place.read("dvc.yaml"), expected);
}

#[test]
fn targets_are_of_several_files_and_change_together_or_not_at_all() {
    let place = Place::new();
    let pipeline = "stages:\n  make:\n    cmd: x\n    outs: [made]\n  make2:\n    cmd: y\n";
    place.write("dvc.yaml", pipeline);
    place.write("sub/dvc.yaml", &pipeline.replace("made", "other"));
    let tracked = "# ours\nouts:\n- path: k # kept\nmeta:\n  frozen: never\n";
    place.write("sub/k.dvc", tracked);
    let all = ["make", "make2", "sub/dvc.yaml:make", "sub/k.dvc"];
    for missing in [
        "none",
        "sub/none.dvc",
        "sub/dvc.yaml:none",
        "none.yaml:make",
    ] {
        let mut targets = all.to_vec();
        targets.push(missing);
        assert!(freeze(&place, &targets, true).is_err(), "{missing}");
        assert_eq!(place.read("dvc.yaml"), pipeline, "{missing}");
        assert_eq!(place.read("sub/k.dvc"), tracked, "{missing}");
    }
    let files = ["dvc.yaml", "sub/dvc.yaml", "sub/k.dvc"];
    assert_eq!(freeze(&place, &all, true).unwrap(), files);
    let both = "stages:\n  make:\n    cmd: x\n    outs: [made]\n    frozen: true\n  make2:\n    cmd: y\n    frozen: true\n";
    assert_eq!(place.read("dvc.yaml"), both);
    assert!(!place.read("sub/dvc.yaml").contains("cmd: y\n    frozen"));
    assert_eq!(place.read("sub/k.dvc"), format!("{tracked}frozen: true\n"));
    assert_eq!(freeze(&place, &all, false).unwrap(), files);
    assert_eq!(place.read("sub/k.dvc"), tracked);
    assert_eq!(place.read("dvc.yaml"), pipeline);
}

#[test]
fn stages_without_lines_of_their_own_are_left_as_they_are() {
    for (text, target, words) in [
        ("stages: {a: {cmd: x}}\n", "a", "change the file by hand"),
        ("stages:\n  a: {cmd: x}\n", "a", "change the file by hand"),
        (
            "stages:\n  m:\n    foreach: [p, q]\n    do:\n      cmd: x ${item}\n",
            "m",
            "one of many",
        ),
        (
            "stages:\n  m:\n    foreach: [p, q]\n    do:\n      cmd: x ${item}\n",
            "m@p",
            "`m@p` does not stand",
        ),
        ("stages: [\n", "a", "`dvc.yaml` cannot be used"),
    ] {
        let place = Place::new();
        place.write("dvc.yaml", text);
        let error = freeze(&place, &[target], true).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
        assert_eq!(place.read("dvc.yaml"), text);
    }
}

fn out(path: &str, list: &'static str, is_cached: bool) -> NewOut {
    NewOut {
        path: path.to_owned(),
        list,
        is_cached,
        is_persistent: false,
    }
}

fn stage(name: &str, outs: &[NewOut]) -> NewStage {
    NewStage {
        name: name.to_owned(),
        commands: vec!["run".to_owned()],
        outs: outs.to_vec(),
        ..NewStage::default()
    }
}

#[test]
fn an_added_stage_is_written_in_order_behind_the_others() {
    let place = Place::new();
    fs::create_dir(place.root().join(".git")).unwrap();
    place.write(
        "sub/dvc.yaml",
        "# ours\nstages:\n  old:\n    cmd: x # y\n\n# end\n",
    );
    let mut new = stage(
        "new",
        &[
            out("z", "outs", true),
            out("m.json", "metrics", false),
            out("a", "outs", true),
        ],
    );
    new.deps = vec!["q".to_owned(), "b".to_owned(), "q".to_owned()];
    new.params = vec!["conf.json:x".to_owned(), "lr,epochs".to_owned()];
    let file = place.repository.add_stage(&named("sub"), &new, false);
    assert_eq!(file.unwrap(), named("sub/dvc.yaml"));
    let entry = "  new:\n    cmd: run\n    deps:\n    - b\n    - q\n    params:\n    - epochs\n    - lr\n    - conf.json:\n      - x\n    outs:\n    - a\n    - z\n    metrics:\n    - m.json:\n        cache: false\n";
    let before = "# ours\nstages:\n  old:\n    cmd: x # y\n";
    let expected = format!("{before}{entry}\n# end\n");
    assert_eq!(place.read("sub/dvc.yaml"), expected);
    assert_eq!(place.read("sub/.gitignore"), "/z\n/a\n");
    // The same once more, by force, is the same; nothing is ignored twice.
    place
        .repository
        .add_stage(&named("sub"), &new, true)
        .unwrap();
    assert_eq!(place.read("sub/dvc.yaml"), expected);
    assert_eq!(place.read("sub/.gitignore"), "/z\n/a\n");
}

#[test]
fn refused_stages_leave_no_trace() {
    let place = Place::new();
    fs::create_dir(place.root().join(".git")).unwrap();
    place.write("data/x", "1");
    place.add("data");
    let pipeline = "stages:\n  old:\n    cmd: x\n    outs: [made/by/old]\n";
    place.write("dvc.yaml", pipeline);
    let ignored = place.read(".gitignore");
    for (name, path, words) in [
        ("new", "data", "overlap"),
        ("new", "data/part", "overlap"),
        ("new", "made", "old"),
        ("new", "made/by/old/too", "old"),
        ("new", "../outside", "leads out"),
        ("new", ".dvc/x", "inner files"),
        ("old", "fine", "`--force` replaces it"),
        ("a:b", "fine", "no signs"),
        ("a@b", "fine", "no signs"),
        ("a.b", "fine", "no signs"),
        ("", "fine", "no signs"),
    ] {
        let new = stage(name, &[out(path, "outs", true)]);
        refused(place.repository.add_stage(&named(""), &new, false), words);
        assert_eq!(place.read("dvc.yaml"), pipeline, "{name} {path}");
        assert_eq!(place.read(".gitignore"), ignored, "{name} {path}");
    }
    // By force a stage may make what it made before, and more; in a directory that the run will make.
    let new = stage("old", &[out("made/by", "outs", true)]);
    place.repository.add_stage(&named(""), &new, true).unwrap();
    let expected = "stages:\n  old:\n    cmd: run\n    outs:\n    - made/by\n";
    assert_eq!(place.read("dvc.yaml"), expected);
}

#[test]
fn what_a_stage_made_names_its_commands_and_what_it_read() {
    let place = Place::new();
    let text = "stages:\n  make:\n    cmd:\n    - one\n    - two\n    deps: [in]\n    frozen: true\n    outs: [out]\n";
    place.write("dvc.yaml", text);
    place.write("in", "1");
    place.write("out", "2");
    place.write("own", "3");
    place.add("own");
    place.repository.commit(&[named("out")]).unwrap();
    let present = place.repository.present().unwrap();
    let paths: Vec<&str> = present.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, ["out", "own"]);
    assert_eq!(present[1].origin, Lineage::Added);
    let Lineage::Stage {
        name,
        commands,
        deps,
    } = &present[0].origin
    else {
        panic!("{:?}", present[0].origin);
    };
    assert_eq!(
        (name.as_str(), commands.join("|")),
        ("make", "one|two".to_owned())
    );
    let digest = "c4ca4238a0b923820dcc509a6f75849b".to_owned();
    assert_eq!(deps, &[("in".to_owned(), Some(digest))]);
}
