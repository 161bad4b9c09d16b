//! Reading files of the server: sources of versions and locations of experiments that lead elsewhere, and paths that climb.

use super::victim::{SECRET, Victim};

/// Tries every way to read an artifact of a version with a source.
async fn steal_by_source(victim: &Victim, source: &str, run: Option<&str>) {
    if !victim.version_of(source, run).await {
        return;
    }
    for path in [
        "secret.txt",
        "../secret.txt",
        "%2e%2e/secret.txt",
        "etc/passwd",
    ] {
        let (_, answer) = victim
            .raw(
                "GET",
                &format!("/model-versions/get-artifact?name=m&version=1&path={path}"),
                "",
            )
            .await;
        refuse(source, &answer);
    }
}

/// Tries every way to read and list artifacts of a run whose experiment has a location.
async fn steal_by_location(victim: &Victim, location: &str) {
    let Some(run) = victim.run_at(location).await else {
        return;
    };
    for path in [
        "secret.txt",
        "../secret.txt",
        "..%2fsecret.txt",
        "etc/passwd",
        "/etc/passwd",
    ] {
        for endpoint in ["/get-artifact?", "/ajax-api/2.0/mlflow/artifacts/list?"] {
            let path = format!("{endpoint}run_id={run}&run_uuid={run}&path={path}");
            let (_, answer) = victim.raw("GET", &path, "").await;
            refuse(location, &answer);
        }
    }
    let list = format!("/api/2.0/mlflow/artifacts/list?run_id={run}");
    let (_, answer) = victim.raw("GET", &list, "").await;
    refuse(location, &answer);
}

#[track_caller]
fn refuse(what: &str, answer: &str) {
    assert!(!answer.contains(SECRET), "{what}: {answer}");
    assert!(!answer.contains("secret.txt\""), "{what}: {answer}");
    assert!(!answer.contains("root:x:0"), "{what}: {answer}");
}

async fn sources(sources: &[&str]) {
    let victim = Victim::start().await;
    let dir = victim.dir();
    let run = victim.run_at("mlflow-artifacts:/mine").await.unwrap();
    for source in sources {
        let source = source.replace("DIR", &dir);
        steal_by_source(&victim, &source, None).await;
        steal_by_source(&victim, &source, Some(&run)).await;
    }
}

async fn locations(locations: &[&str]) {
    let victim = Victim::start().await;
    let dir = victim.dir();
    for location in locations {
        steal_by_location(&victim, &location.replace("DIR", &dir)).await;
    }
}

/// A version's source was any local path, and its files could be read.
#[tokio::test]
async fn cve_2023_1177_a_local_source_is_no_way_to_files() {
    sources(&["DIR", "file://DIR", "/", "file:///", "/etc"]).await;
}

/// The check of sources knew `/etc`, and not `//etc` or `/./etc`.
#[tokio::test]
async fn cve_2023_2356_other_spellings_of_a_local_source_are_no_way_either() {
    sources(&["//etc", "/./etc", "///DIR", "/proc/self/root/etc", "DIR/."]).await;
}

/// `file:` URIs with a host or with climbing parts passed as remote.
#[tokio::test]
async fn cve_2023_2780_file_uris_of_any_form_are_local() {
    sources(&[
        "file://localhost/DIR",
        "file:///mine/../../DIR",
        "file:DIR",
        "FILE://DIR",
        "file://./DIR",
        "file://..%2f..%2f..%2fetc",
    ])
    .await;
}

/// A drive letter made a path absolute.
#[tokio::test]
async fn cve_2023_3765_drive_letters_are_refused() {
    let victim = Victim::start().await;
    let run = victim.run_at("mlflow-artifacts:/mine").await.unwrap();
    for path in ["C:/", "C:/secret.txt", "c:%2fsecret.txt"] {
        let (status, answer) = victim
            .raw(
                "GET",
                &format!("/get-artifact?run_id={run}&path={path}"),
                "",
            )
            .await;
        assert_eq!(status, 400, "{path}: {answer}");
    }
}

/// A location was a URL whose path climbed out of where the server thought it was.
#[tokio::test]
async fn cve_2023_6909_a_location_that_climbs_is_not_followed() {
    locations(&[
        "http:///DIR",
        "http://host/../../../../DIR",
        "mlflow-artifacts:/../../DIR",
        "mlflow-artifacts:/a/%2e%2e/%2e%2e/%2e%2e/DIR",
    ])
    .await;
}

/// A source with a climbing part after the scheme of our own artifacts.
#[tokio::test]
async fn cve_2023_6977_a_source_of_our_own_does_not_climb() {
    sources(&[
        "mlflow-artifacts:/../secret.txt",
        "mlflow-artifacts:/mine/../../secret.txt",
        "mlflow-artifacts:/mine/%2e%2e/%2e%2e/",
        "mlflow-artifacts:/mine/..%5c..%5c",
    ])
    .await;
}

/// A fragment in a source hid the climbing from the check.
#[tokio::test]
async fn cve_2024_1483_fragments_of_sources_hide_nothing() {
    sources(&[
        "http://host/#/../../DIR",
        "DIR#/../",
        "file:///#/../../DIR",
        "//host#/../../../../DIR",
    ])
    .await;
}

/// A query in a source hid the climbing from the check.
#[tokio::test]
async fn cve_2024_1558_queries_of_sources_hide_nothing() {
    sources(&[
        "DIR?a=b",
        "file://DIR?/../",
        "http://host/?/../../DIR",
        "models:/m/1?/../../DIR",
    ])
    .await;
}

/// Parameters behind a semicolon were taken as part of the path only later.
#[tokio::test]
async fn cve_2024_1593_semicolons_hide_nothing() {
    locations(&[
        "http://host/;/../../DIR",
        "DIR;a=b/../",
        "mlflow-artifacts:/;../../DIR",
    ])
    .await;
}

/// A fragment in a location hid the climbing from the check.
#[tokio::test]
async fn cve_2024_1594_fragments_of_locations_hide_nothing() {
    locations(&[
        "http:///#/../../../../DIR",
        "file:///#DIR",
        "mlflow-artifacts:/#/../../DIR",
    ])
    .await;
}

/// The same with a scheme that was not in the first check.
#[tokio::test]
async fn cve_2024_2928_fragments_after_any_scheme_hide_nothing() {
    locations(&[
        "ftp://host#/../../DIR",
        "s3://bucket#/../../../DIR",
        "x:#/../../DIR",
    ])
    .await;
}

/// URIs without a scheme, and with an empty one, passed as remote.
#[tokio::test]
async fn cve_2024_3573_uris_without_a_scheme_are_local() {
    sources(&[":DIR", "://DIR", "file:./DIR", "./DIR", "../../DIR"]).await;
    locations(&["DIR", "file:DIR", "../DIR", "://DIR"]).await;
}

/// The fragment again, behind the mending of the first flaws.
#[tokio::test]
async fn cve_2024_3848_fragments_are_refused_behind_any_path() {
    locations(&[
        "http:///a/b#/../../../../../DIR",
        "https:///#/../../DIR/",
        "file:///a#/../DIR",
    ])
    .await;
}

/// A file system of a cloud was mapped to local paths.
#[tokio::test]
async fn cve_2024_8859_schemes_of_clouds_are_no_local_paths() {
    sources(&["dbfs:/../../DIR", "dbfs:DIR", "hdfs:///DIR"]).await;
    locations(&["dbfs:/DIR", "dbfs:///../../DIR", "hdfs:///DIR"]).await;
}

/// A model could be made from a directory that the path of its source climbed to.
#[tokio::test]
async fn cve_2025_11201_models_are_not_made_of_directories_elsewhere() {
    sources(&[
        "runs:/../../DIR",
        "runs:/0/../../DIR",
        "models:/../../DIR",
        "models:/m-1/../../DIR",
    ])
    .await;
}

/// Paths in requests for artifacts climbed, plain, encoded, and encoded twice.
#[tokio::test]
async fn paths_of_artifacts_do_not_climb() {
    let victim = Victim::start().await;
    for path in [
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "%252e%252e%252fsecret.txt",
        "a/..%5c..%5csecret.txt",
        "a/../../secret.txt",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "file:%2f%2f%2fetc%2fpasswd",
    ] {
        for root in ["/api/2.0", "/ajax-api/2.0"] {
            let (status, answer) = victim
                .raw(
                    "GET",
                    &format!("{root}/mlflow-artifacts/artifacts/{path}"),
                    "",
                )
                .await;
            assert!((400..500).contains(&status), "{path}: {answer}");
            refuse(path, &answer);
            let list = format!("{root}/mlflow-artifacts/artifacts?path={path}");
            refuse(path, &victim.raw("GET", &list, "").await.1);
        }
    }
}
