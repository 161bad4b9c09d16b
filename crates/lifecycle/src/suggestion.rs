//! "Did you mean": the nearest of some names.

/// How many names are looked through: a slip in a file of thousands is found all the same.
const MAX_COMPARED: usize = 1000;

/// The candidate that is most like `name`, if one is like it at all.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).max(1);
    let lowered = name.to_lowercase();
    candidates
        .into_iter()
        .take(MAX_COMPARED)
        .map(|candidate| {
            (
                strsim::osa_distance(&lowered, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The hint for an unknown name: the nearest candidate, or all of them when they are few.
pub(crate) fn hint<'a>(
    name: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(candidate) = nearest(name, candidates.clone()) {
        return Some(format!("did you mean `{candidate}`?"));
    }
    let all: Vec<&str> = candidates.into_iter().collect();
    match all.len() {
        0 => None,
        1..=32 => Some(format!("{what}: {}", all.join(", "))),
        n_candidates => Some(format!(
            "{what}: {}, … ({n_candidates} in all)",
            all[..24].join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_nothing_else() {
        let keys = ["trainer", "task", "parameters"];
        assert_eq!(nearest("trianer", keys), Some("trainer"));
        assert_eq!(nearest("Task", keys), Some("task"));
        assert_eq!(nearest("color", keys), None);
        assert_eq!(nearest("", keys), None);
    }

    #[test]
    fn lists_what_there_is_when_nothing_is_near() {
        assert_eq!(
            hint("color", "the keys are", ["a", "b"]).as_deref(),
            Some("the keys are: a, b")
        );
        assert_eq!(hint("color", "the keys are", []), None);
        assert_eq!(
            hint("taks", "the keys are", ["task"]).as_deref(),
            Some("did you mean `task`?")
        );
    }
}
