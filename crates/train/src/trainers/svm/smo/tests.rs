use super::*;
use crate::encoder::Design;
use crate::model::Kernel;

/// Points in a spiral, of two sides, with a problem of the cost `c`.
fn problem(n_rows: usize, c: f64) -> (Points, Problem) {
    let values = (0..n_rows).flat_map(|row| {
        let turn = row as f64 * 0.1;
        let reach = 1.0 + turn / 5.0;
        let side = if row % 2 == 0 {
            0.0
        } else {
            std::f64::consts::PI
        };
        [reach * (turn + side).cos(), reach * (turn + side).sin()]
    });
    let design = Design {
        values: values.collect(),
        n_rows,
        n_columns: 2,
    };
    let rows: Vec<u32> = (0..n_rows as u32).collect();
    let points = Points::new(Kernel::Rbf { gamma: 1.0 }, &design, &rows);
    let target = |row: usize| {
        if row.is_multiple_of(2) || row.is_multiple_of(11) {
            1.0
        } else {
            -1.0
        }
    };
    let targets: Vec<f64> = (0..n_rows).map(target).collect();
    let problem = Problem {
        low: targets.iter().map(|side| c * side.min(0.0)).collect(),
        high: targets.iter().map(|side| c * side.max(0.0)).collect(),
        epsilon: 0.0,
        targets,
    };
    (points, problem)
}

fn from_nothing(problem: &Problem) -> Start {
    Start {
        factors: vec![0.0; problem.targets.len()],
        products: vec![0.0; problem.targets.len()],
    }
}

const LIMITS: Limits = Limits {
    tolerance: 1e-4,
    n_steps: 1_000_000,
    cache_bytes: 100_000,
};

#[test]
fn the_conditions_of_a_minimum_hold() {
    let (points, problem) = problem(400, 10.0);
    let solved = solve(
        &points,
        &problem,
        from_nothing(&problem),
        LIMITS,
        &mut |_, _| false,
    );
    assert!(solved.is_converged);
    assert!(solved.factors.iter().sum::<f64>().abs() < 1e-9);
    let mut products = vec![0.0; 400];
    let factors = solved.factors.iter().copied().enumerate();
    add_products(&points, &mut products, &points, factors, &mut || false);
    for (row, product) in products.iter().enumerate() {
        assert!((product - solved.products[row]).abs() < 1e-4, "{row}");
        let factor = solved.factors[row];
        assert!((problem.low[row]..=problem.high[row]).contains(&factor));
        assert!(
            problem.up(row, factor) - product <= solved.bias + 2e-4,
            "{row}"
        );
        assert!(
            problem.down(row, factor) - product >= solved.bias - 2e-4,
            "{row}"
        );
    }
}

#[test]
fn any_start_leads_to_the_same_minimum() {
    let (points, problem) = problem(300, 2.0);
    let cold = solve(
        &points,
        &problem,
        from_nothing(&problem),
        LIMITS,
        &mut |_, _| false,
    );
    let (_, tight) = self::problem(300, 1.0);
    let other = solve(
        &points,
        &tight,
        from_nothing(&tight),
        LIMITS,
        &mut |_, _| false,
    );
    let start = Start {
        factors: other.factors,
        products: other.products,
    };
    let warm = solve(&points, &problem, start, LIMITS, &mut |_, _| false);
    for (cold, warm) in cold.products.iter().zip(&warm.products) {
        assert!((cold - warm).abs() < 1e-2, "{cold} {warm}");
    }
    let both = |solved: &Solved| {
        problem.objective(&Start {
            factors: solved.factors.clone(),
            products: solved.products.clone(),
        })
    };
    assert!((both(&cold) - both(&warm)).abs() < 1e-3);
}

#[test]
fn one_side_alone_is_decided_for_it() {
    let (points, mut problem) = problem(20, 1.0);
    problem.low.fill(0.0);
    let solved = solve(
        &points,
        &problem,
        from_nothing(&problem),
        LIMITS,
        &mut |_, _| false,
    );
    assert!(solved.is_converged);
    assert_eq!(solved.bias, 1.0);
}
