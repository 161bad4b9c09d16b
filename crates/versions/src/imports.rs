//! Data that comes from elsewhere: another repository (`dvc import`) or a place (`dvc import-url`).

use serde::Deserialize;

/// Where imported data comes from, as its `.dvc` file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Import {
    /// Another repository.
    Repository {
        /// Its place: a directory as seen from the data, or a URL.
        url: String,
        /// The data in it.
        path: String,
        /// The revision that was asked for, if one was.
        rev: Option<String>,
        /// The commit that the data is of.
        rev_lock: Option<String>,
    },
    /// A file or directory, or a URL.
    Place {
        /// The place: as seen from the data, or a URL.
        path: String,
        /// The digest of the data there.
        md5: Option<String>,
    },
}

#[derive(Deserialize)]
struct RawFile {
    deps: Option<Vec<RawDep>>,
}

#[derive(Deserialize)]
struct RawDep {
    path: Option<String>,
    md5: Option<String>,
    repo: Option<RawRepository>,
}

#[derive(Deserialize)]
struct RawRepository {
    url: String,
    rev: Option<String>,
    rev_lock: Option<String>,
}

impl Import {
    /// The source that the text of a `.dvc` file names; none if it is no import of these kinds.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let file: RawFile = serde_saphyr::from_str(text).ok()?;
        let [RawDep { path, md5, repo }] = <[RawDep; 1]>::try_from(file.deps?).ok()?;
        let path = path?;
        Some(match repo {
            Some(RawRepository { url, rev, rev_lock }) => Self::Repository {
                url,
                path,
                rev,
                rev_lock,
            },
            None => Self::Place { path, md5 },
        })
    }
}
