//! What came of taking things over.

use everloop_metastore::Came;

use crate::Error;

/// What was taken over of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many are new.
    pub n_new: u64,
    /// How many were there already.
    pub n_known: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, is_new: bool) {
        if is_new {
            self.n_new += 1;
        } else {
            self.n_known += 1;
        }
    }

    pub(crate) fn came(&mut self, came: Came) {
        self.add(came == Came::New);
    }
}

/// What came of an import or an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Experiments.
    pub experiments: Counts,
    /// Runs.
    pub runs: Counts,
    /// Points of metrics of new runs.
    pub n_points: u64,
    /// Logged models.
    pub logged_models: Counts,
    /// Registered models.
    pub models: Counts,
    /// Versions of registered models.
    pub versions: Counts,
    /// Files of artifacts that were copied.
    pub n_files: u64,
    /// What could not come: its name, and why.
    pub problems: Vec<(String, String)>,
    /// What came under another name or stays where it is, and why.
    pub remarks: Vec<(String, String)>,
}

impl Report {
    pub(crate) fn problem(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.problems.push((what.into(), why.into()));
    }

    pub(crate) fn remark(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.remarks.push((what.into(), why.into()));
    }

    /// Tells an error that spoils this thing only; gives any other back.
    pub(crate) fn spoilt(&mut self, what: impl Into<String>, error: Error) -> Result<(), Error> {
        if !error.spoils_one_thing() {
            return Err(error);
        }
        let mut why = error.to_string();
        let mut last = why.clone();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            let words = cause.to_string();
            if words != last {
                why = format!("{why}: {words}");
            }
            last = words;
            source = cause.source();
        }
        self.problem(what, why);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spoils_one_thing_is_told_with_its_causes_and_the_rest_ends_the_work() {
        let mut report = Report::default();
        let broken = std::io::Error::other("bad disk");
        let error = Error::read(std::path::Path::new("/x"), broken);
        report.spoilt("run `1`", error).unwrap();
        let told = (
            "run `1`".to_owned(),
            "cannot read `/x`: bad disk".to_owned(),
        );
        assert_eq!(report.problems, [told]);
        let gone = Error::Refused {
            request: "http://h/x".to_owned(),
            status: 503,
            words: String::new(),
        };
        assert!(report.spoilt("run `2`", gone).is_err());
        assert_eq!(report.problems.len(), 1);
    }
}
