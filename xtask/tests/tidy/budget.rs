//! The size budget of the house style: small files, short functions, as much test as code.

use super::source::{files, is_test_file, product_files, python_tests};

const FILE_MEDIAN: usize = 150;
const FILE_P95: usize = 450;
const FILE_MAX: usize = 800;
const FUNCTION_P95: usize = 60;
const FUNCTION_MAX: usize = 100;
/// The aim is 0.8 to 1.2; the floor keeps what has been reached and only ever rises.
const TEST_SHARE: std::ops::RangeInclusive<f64> = 0.45..=1.2;

#[test]
fn files_keep_the_budget() {
    let mut sizes: Vec<(usize, String)> = product_files()
        .iter()
        .map(|file| (file.n_product_lines(), file.path.clone()))
        .collect();
    sizes.sort();
    let n_lines: Vec<usize> = sizes.iter().map(|(lines, _)| *lines).collect();
    let largest: Vec<_> = sizes.iter().rev().take(5).collect();
    assert!(
        percentile(&n_lines, 50) <= FILE_MEDIAN,
        "median {} > {FILE_MEDIAN}",
        percentile(&n_lines, 50)
    );
    assert!(
        percentile(&n_lines, 95) <= FILE_P95,
        "p95 {} > {FILE_P95}: {largest:?}",
        percentile(&n_lines, 95)
    );
}

#[test]
fn no_file_is_a_god_file() {
    for file in files("crates").into_iter().chain(files("xtask")) {
        let n_lines = file.text.lines().count();
        assert!(
            n_lines <= FILE_MAX,
            "{}: {n_lines} lines, {FILE_MAX} are allowed: split it along the domain",
            file.path
        );
    }
}

#[test]
fn functions_keep_the_budget() {
    let mut functions: Vec<_> = product_files()
        .iter()
        .flat_map(super::source::Source::functions)
        .collect();
    functions.sort_by_key(|function| function.n_lines);
    let n_lines: Vec<usize> = functions.iter().map(|function| function.n_lines).collect();
    assert!(
        percentile(&n_lines, 95) <= FUNCTION_P95,
        "p95 {} > {FUNCTION_P95}",
        percentile(&n_lines, 95)
    );
    let too_long: Vec<_> = functions
        .iter()
        .filter(|function| function.n_lines > FUNCTION_MAX)
        .map(|function| format!("{} ({} lines)", function.name, function.n_lines))
        .collect();
    assert!(
        too_long.is_empty(),
        "longer than {FUNCTION_MAX} lines: {too_long:?}"
    );
}

#[test]
fn tests_weigh_as_much_as_the_code() {
    let mut all = files("crates");
    all.extend(files("xtask/tests"));
    let n_python: usize = python_tests().iter().map(|text| text.lines().count()).sum();
    let n_tests: usize = all
        .iter()
        .map(|file| {
            if is_test_file(&file.path) {
                file.text.lines().count()
            } else {
                file.n_test_lines()
            }
        })
        .sum();
    let n_tests = n_tests + n_python;
    let n_product: usize = product_files()
        .iter()
        .map(super::source::Source::n_product_lines)
        .sum();
    let share = n_tests as f64 / n_product as f64;
    println!("{n_tests} lines of tests for {n_product} lines of code: {share:.2}");
    assert!(
        TEST_SHARE.contains(&share),
        "{n_tests} / {n_product} = {share:.2}, {TEST_SHARE:?} is the budget"
    );
}

fn percentile(sorted: &[usize], percent: usize) -> usize {
    sorted[(sorted.len() - 1) * percent / 100]
}
