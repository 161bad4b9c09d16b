//! Why a number could not be computed.

use everloop_domain::ErrorKind;

/// An error of measuring. All of them mean that the input does not allow the number.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// There is nothing to measure.
    #[error("{what} needs rows, there are none")]
    Empty {
        /// What was to be computed.
        what: &'static str,
    },
    /// Two inputs that must go together do not.
    #[error("{what} differ in length: {left} and {right}")]
    Length {
        /// What they are.
        what: &'static str,
        /// Length of the first.
        left: usize,
        /// Length of the second.
        right: usize,
    },
    /// A value is not a number.
    #[error("row {row}: {what} is {value}")]
    NotFinite {
        /// What is not a number.
        what: &'static str,
        /// The row, counted from 1.
        row: usize,
        /// What it is.
        value: String,
    },
    /// The score needs more classes than the rows hold.
    #[error("{metric} needs rows of at least two classes; all {n_rows} rows are of one")]
    OneClass {
        /// The score.
        metric: &'static str,
        /// How many rows there are.
        n_rows: usize,
    },
    /// The score needs probabilities that the model does not give.
    #[error("{metric} needs probabilities, and the model gives none")]
    NoProbabilities {
        /// The score.
        metric: &'static str,
    },
    /// The score does not suit the task.
    #[error("{metric} does not suit a {task} task")]
    Task {
        /// The score.
        metric: &'static str,
        /// The task.
        task: &'static str,
    },
    /// Two columns of different kinds cannot be compared.
    #[error("the column is {reference} in the reference and {window} in the window")]
    Kinds {
        /// The kind in the reference.
        reference: String,
        /// The kind in the window.
        window: String,
    },
    /// A class is not one of the classes.
    #[error("row {row}: {what} is class {value}, expected a class from 0 to {last}")]
    Class {
        /// What names the class.
        what: &'static str,
        /// The row, counted from 1.
        row: usize,
        /// What it is.
        value: String,
        /// The last class.
        last: usize,
    },
    /// A value lies where the number is not defined.
    #[error("row {row}: {what} is {value}, expected {expected}")]
    Range {
        /// What lies there.
        what: &'static str,
        /// The row, counted from 1.
        row: usize,
        /// What it is.
        value: f64,
        /// Where it should lie.
        expected: &'static str,
    },
    /// The number is not defined on these rows.
    #[error("{metric} is not defined: {why}")]
    Undefined {
        /// The number.
        metric: &'static str,
        /// What is wrong with the rows.
        why: &'static str,
    },
    /// A setting of the computation is impossible.
    #[error("{what} is {value}, expected {expected}")]
    Setting {
        /// The setting.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What would be possible.
        expected: &'static str,
    },
    /// A condition uses something that conditions cannot do.
    #[error("`{what}` has no meaning in a condition on scores")]
    Condition {
        /// What was found.
        what: String,
    },
}

impl Error {
    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}
