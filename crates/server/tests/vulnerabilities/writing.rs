//! Writing and deleting files of the server through the endpoints of artifacts.

use super::victim::{SECRET, Victim};

/// Paths that climb out of the artifacts to the canary.
const CLIMBING: [&str; 9] = [
    "../secret.txt",
    "..%2fsecret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "a/../../secret.txt",
    "a/..%2f..%2fsecret.txt",
    "..%5csecret.txt",
    "..%5c..%5csecret.txt",
    "%252e%252e%252fsecret.txt",
];

/// Tries a method on each path, and sees that the canary still sings and nothing new lies beside it.
async fn attack(method: &str, paths: &[&str]) {
    let victim = Victim::start().await;
    let before = names(&victim);
    for path in paths {
        let path = path.replace("DIR", &victim.dir());
        let url = format!("/api/2.0/mlflow-artifacts/artifacts/{path}");
        let (status, answer) = victim.raw(method, &url, "overwritten").await;
        assert!((400..500).contains(&status), "{path}: {answer}");
        let secret = std::fs::read_to_string(victim.secret()).unwrap();
        assert_eq!(secret, SECRET, "{path}");
        assert_eq!(names(&victim), before, "{path}");
    }
}

fn names(victim: &Victim) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(victim.dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // The prediction log comes and goes by itself.
        .filter(|name| name != "predictions" && name != "artifacts")
        .collect();
    names.sort();
    names
}

/// Uploads climbed out of the artifacts.
#[tokio::test]
async fn cve_2023_6015_uploads_do_not_climb() {
    attack("PUT", &CLIMBING).await;
}

/// Uploads to absolute paths overwrote any file.
#[tokio::test]
async fn cve_2023_6018_uploads_to_absolute_paths_are_refused() {
    attack(
        "PUT",
        &["/DIR/secret.txt", "%2fDIR%2fsecret.txt", "//etc/passwd"],
    )
    .await;
}

/// Backslashes, which are separators elsewhere, climbed.
#[tokio::test]
async fn cve_2023_6753_backslashes_are_refused() {
    attack(
        "PUT",
        &[
            "..\\secret.txt",
            "a\\..\\..\\secret.txt",
            "a%5c..%5c..%5csecret.txt",
        ],
    )
    .await;
}

/// Deletions climbed out of the artifacts.
#[tokio::test]
async fn cve_2023_6831_deletions_do_not_climb() {
    attack("DELETE", &CLIMBING).await;
}

/// The name of an uploaded file was a path.
#[tokio::test]
async fn cve_2023_6976_names_of_uploads_are_no_paths() {
    let victim = Victim::start().await;
    let run = victim.run_at("mlflow-artifacts:/mine").await.unwrap();
    for path in [
        "../../secret.txt",
        "..%2f..%2f..%2fsecret.txt",
        "/etc/passwd",
        "..%5c..%5csecret.txt",
    ] {
        let url = format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path={path}");
        let (status, answer) = victim.raw("POST", &url, "overwritten").await;
        assert!((400..500).contains(&status), "{path}: {answer}");
        assert_eq!(std::fs::read_to_string(victim.secret()).unwrap(), SECRET);
    }
}

/// A path that was encoded twice passed the check and was decoded after it.
#[tokio::test]
async fn cve_2024_1560_paths_that_were_encoded_twice_do_not_climb() {
    let twice = [
        "%252e%252e/secret.txt",
        "%252e%252e%252fsecret.txt",
        "a%252f%252e%252e%252f%252e%252e%252fsecret.txt",
    ];
    attack("DELETE", &twice).await;
    attack("PUT", &twice).await;
}

/// An archive that a server unpacked wrote outside of its directory; ours unpacks nothing.
#[tokio::test]
async fn cve_2023_6975_archives_are_kept_and_never_unpacked() {
    let victim = Victim::start().await;
    // The head of a zip file whose one entry is `../../secret.txt`.
    let archive = "PK\u{3}\u{4}../../secret.txt";
    let url = "/api/2.0/mlflow-artifacts/artifacts/mine/model.zip";
    let (status, _) = victim.raw("PUT", url, archive).await;
    assert_eq!(status, 200);
    let (_, answer) = victim.raw("GET", url, "").await;
    assert!(answer.ends_with(archive), "{answer}");
    assert_eq!(std::fs::read_to_string(victim.secret()).unwrap(), SECRET);
}

/// Experiments at places of the server's disk took what was uploaded to them.
#[tokio::test]
async fn runs_at_local_places_take_no_uploads() {
    let victim = Victim::start().await;
    for location in [victim.dir(), format!("file://{}", victim.dir())] {
        let Some(run) = victim.run_at(&location).await else {
            continue;
        };
        let url = format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=secret.txt");
        let (status, answer) = victim.raw("POST", &url, "overwritten").await;
        assert!((400..500).contains(&status), "{answer}");
        assert_eq!(std::fs::read_to_string(victim.secret()).unwrap(), SECRET);
    }
}
