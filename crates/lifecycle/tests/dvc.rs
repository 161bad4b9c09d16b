//! Pipelines of DVC: agreement with DVC itself on golden files, and texts that nobody would write.

#[cfg(test)]
#[path = "dvc/golden.rs"]
mod golden;
#[cfg(test)]
#[path = "dvc/locks.rs"]
mod locks;
#[cfg(test)]
#[path = "dvc/orders.rs"]
mod orders;
#[cfg(test)]
#[path = "dvc/properties.rs"]
mod properties;
#[cfg(test)]
#[path = "dvc/python.rs"]
mod python;
#[cfg(test)]
#[path = "dvc/random.rs"]
mod random;
#[cfg(test)]
#[path = "dvc/stages.rs"]
mod stages;
#[cfg(test)]
#[path = "dvc/statuses.rs"]
mod statuses;
#[cfg(test)]
#[path = "dvc/verdicts.rs"]
mod verdicts;
