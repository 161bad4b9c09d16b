use everloop_domain::search::{Objective, Pruner};

use super::super::space::tests::{choices, range, when};
use super::*;

fn search(sampler: Sampler, parallel: usize) -> Search {
    Search {
        trials: 30,
        objectives: vec![Objective {
            metric: "loss".to_owned(),
            is_maximized: false,
        }],
        sampler,
        pruner: Pruner::None,
        space: vec![
            range("x", -5.0, 5.0, false, false),
            range("rate", 1e-4, 1.0, true, false),
            choices("kind", &["a", "b"]),
            when(range("depth", 1.0, 12.0, false, true), 2, 1),
        ],
        cross_validation: None,
        parallel,
        timeout: None,
        trial_timeout: None,
        seed: 7,
    }
}

fn loss(trial: &Asked) -> f64 {
    let number = |name: &str| match trial.parameters.get(name) {
        Some(ParameterValue::One(value)) => value.as_f64().unwrap_or_default(),
        _ => 3.0,
    };
    (number("x") - 1.0).powi(2)
        + (number("rate").log10() + 2.0).powi(2)
        + (number("depth") - 6.0).abs()
}

fn scored(trial: &Asked) -> Outcome {
    Outcome {
        values: vec![loss(trial)],
        ..Outcome::default()
    }
}

/// Runs a search to its end; trials that are under way end in the order that `pick` says.
fn run(study: &mut Study, pick: impl Fn(usize) -> usize) -> Vec<Trial> {
    let mut under_way: Vec<Asked> = Vec::new();
    loop {
        while let Some(asked) = study.ask() {
            under_way.push(asked);
        }
        if under_way.is_empty() {
            return study.trials().cloned().collect();
        }
        let ended = under_way.remove(pick(under_way.len()));
        study.tell(ended.number, scored(&ended));
    }
}

const SAMPLERS: [Sampler; 4] = [Sampler::Random, Sampler::Grid, Sampler::Tpe, Sampler::Gp];

#[test]
fn the_order_in_which_trials_end_does_not_matter() {
    for sampler in SAMPLERS {
        let first = run(&mut Study::new(search(sampler, 4)).unwrap(), |_| 0);
        let last = run(&mut Study::new(search(sampler, 4)).unwrap(), |count| {
            count - 1
        });
        assert_eq!(first.len(), 30);
        assert_eq!(first, last, "{sampler:?}");
        let other_seed = Search {
            seed: 8,
            ..search(sampler, 4)
        };
        assert_ne!(first, run(&mut Study::new(other_seed).unwrap(), |_| 0));
    }
}

#[test]
fn a_search_goes_on_where_it_was_stopped() {
    for sampler in SAMPLERS {
        let whole = run(&mut Study::new(search(sampler, 3)).unwrap(), |_| 0);
        // Trials 0 to 10 had ended, and 12, when 11 was under way.
        let mut again = Study::new(search(sampler, 3)).unwrap();
        for trial in whole
            .iter()
            .filter(|trial| trial.number < 11 || trial.number == 12)
        {
            let line = serde_json::to_string(trial).unwrap();
            assert!(again.restore(serde_json::from_str(&line).unwrap()));
        }
        assert_eq!(run(&mut again, |_| 0), whole, "{sampler:?}");
    }
}

#[test]
fn trials_of_another_search_are_left_out() {
    let mut study = Study::new(search(Sampler::Random, 1)).unwrap();
    let asked = study.ask().unwrap();
    let trial = study.tell(asked.number, scored(&asked)).unwrap().clone();
    let change = |change: &dyn Fn(&mut Trial)| {
        let mut trial = trial.clone();
        change(&mut trial);
        trial
    };
    let mut other = Study::new(search(Sampler::Random, 1)).unwrap();
    assert!(!other.restore(change(&|trial| trial.point[0] = Some(99.0))));
    assert!(!other.restore(change(&|trial| trial.point.truncate(1))));
    assert!(!other.restore(change(&|trial| trial.number = 30)));
    assert!(!other.restore(change(&|trial| trial.values.clear())));
    assert!(other.restore(trial));
}

#[test]
fn what_is_no_number_has_failed() {
    let mut study = Study::new(search(Sampler::Tpe, 1)).unwrap();
    let asked = study.ask().unwrap();
    let outcome = Outcome {
        values: vec![f64::NAN],
        curve: vec![(1, 0.5), (2, f64::INFINITY)],
        ..Outcome::default()
    };
    let trial = study.tell(asked.number, outcome).unwrap();
    assert_eq!(trial.state, TrialState::Failed);
    assert_eq!(trial.problem.as_deref(), Some("`loss` is NaN"));
    assert_eq!(trial.curve, [(1, 0.5)]);
    assert!(study.best().is_none() && study.front().is_empty() && study.importances(0).is_empty());
    assert!(study.tell(0, Outcome::default()).is_none());
    // A search all of whose trials fail comes to its end all the same.
    for sampler in SAMPLERS {
        let mut study = Study::new(search(sampler, 2)).unwrap();
        while let Some(asked) = study.ask() {
            let problem = Some("diverged".to_owned());
            study.tell(
                asked.number,
                Outcome {
                    problem,
                    ..Outcome::default()
                },
            );
        }
        assert_eq!(study.trials().count(), 30, "{sampler:?}");
    }
}

#[test]
fn one_trial_is_a_search() {
    for sampler in SAMPLERS {
        let one = Search {
            trials: 1,
            ..search(sampler, 8)
        };
        let trials = run(&mut Study::new(one).unwrap(), |_| 0);
        assert_eq!(trials.len(), 1);
    }
}

#[test]
fn several_objectives_have_a_front() {
    for sampler in [Sampler::Tpe, Sampler::Gp] {
        let mut two = search(sampler, 1);
        two.trials = 40;
        two.objectives.push(Objective {
            metric: "speed".to_owned(),
            is_maximized: true,
        });
        let mut study = Study::new(two).unwrap();
        while let Some(asked) = study.ask() {
            let x = match &asked.parameters["x"] {
                ParameterValue::One(value) => value.as_f64().unwrap_or_default(),
                _ => 0.0,
            };
            let values = vec![x * x, -(x - 2.0).powi(2)];
            study.tell(
                asked.number,
                Outcome {
                    values,
                    ..Outcome::default()
                },
            );
        }
        let front = study.front();
        assert!(front.len() > 5, "{sampler:?}: {}", front.len());
        let x = |trial: &Trial| trial.point[0].unwrap();
        assert!(front.iter().all(|trial| (-0.3..=2.3).contains(&x(trial))));
        let best = study.best().unwrap();
        assert!((x(best) - 1.0).abs() < 0.5, "{sampler:?}: {}", x(best));
    }
}
