//! Golden numbers: what scikit-learn, SciPy and Fairlearn say of the same rows.

#[cfg(test)]
mod clusters;
mod committed;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod intervals;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod slices;
#[cfg(test)]
mod table;
