use std::fs;

use super::*;

fn options(text: &str) -> Result<Options, Error> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config");
    fs::write(&file, text).unwrap();
    Options::of(&Config::load(&[file]).unwrap(), "r")
}

fn remote(values: &str) -> Options {
    options(&format!("['remote \"r\"']\n{values}")).unwrap()
}

fn environment() -> Vec<(String, String)> {
    [
        ("HOME", "/nowhere/home"),
        ("AWS_ACCESS_KEY_ID", "env"),
        ("AWS_ENDPOINT_URL", "https://env"),
        ("AZURE_STORAGE_ACCOUNT", "env"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The settings of a bucket, the winners only.
fn settings(values: &str) -> BTreeMap<String, String> {
    match remote(values).reach(&environment()).unwrap() {
        Reach::Elsewhere(Location::Bucket { settings, .. }) => settings
            .into_iter()
            .map(|(name, value)| (name.to_lowercase(), value))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(values: &str, expected: &[(&str, &str)]) {
    let found = settings(values);
    for (name, value) in expected {
        assert_eq!(
            found.get(*name).map(String::as_str),
            Some(*value),
            "{name} of {found:?}"
        );
    }
}

#[test]
fn options_of_buckets_go_before_the_environment() {
    check(
        "url = s3://b",
        &[
            ("aws_access_key_id", "env"),
            ("aws_endpoint_url", "https://env"),
        ],
    );
    check(
        "url = s3://b/p\nendpointurl = http://h:1\naccess_key_id = a\nsecret_access_key = s\nsession_token = t\nregion = eu",
        &[
            ("aws_endpoint_url", "http://h:1"),
            ("allow_http", "true"),
            ("aws_access_key_id", "a"),
            ("aws_secret_access_key", "s"),
            ("aws_session_token", "t"),
            ("aws_region", "eu"),
        ],
    );
    check(
        "url = s3://b\nallow_anonymous_login = true",
        &[("aws_skip_signature", "true")],
    );
    check(
        "url = azure://c/p",
        &[("azure_storage_account_name", "env")],
    );
    check(
        "url = azure://c/p\naccount_name = a\naccount_key = k\nsas_token = s",
        &[
            ("azure_storage_account_name", "a"),
            ("azure_storage_account_key", "k"),
            ("azure_storage_sas_token", "s"),
        ],
    );
    check(
        "url = gs://b/p\nprojectname = p\ncredentialpath = /x.json\nendpointurl = http://h",
        &[
            ("google_application_credentials", "/x.json"),
            ("google_base_url", "http://h"),
            ("allow_http", "true"),
        ],
    );
}

#[test]
fn a_profile_that_is_named_goes_before_keys_of_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("credentials");
    fs::write(
        &file,
        "[work]\naws_access_key_id = w\naws_secret_access_key = s\n[role]\nrole_arn = x\n",
    )
    .unwrap();
    let place = file.display();
    check(
        &format!("url = s3://b\nprofile = work\ncredentialpath = {place}"),
        &[("aws_access_key_id", "w"), ("aws_secret_access_key", "s")],
    );
    for (profile, words) in [("none", "no profile `none`"), ("role", "`role_arn`")] {
        let remote = remote(&format!(
            "url = s3://b\nprofile = {profile}\ncredentialpath = {place}"
        ));
        let error = remote.reach(&environment()).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("s3://b"), "{error}");
    }
}

#[test]
fn machines_and_web_servers_are_reached_as_set() {
    let Reach::Elsewhere(Location::Ssh(ssh)) =
        remote("url = ssh://u@h:22/a/b\nport = 2222\nkeyfile = ~/key\ntimeout = 3")
            .reach(&environment())
            .unwrap()
    else {
        panic!("no ssh");
    };
    assert_eq!((ssh.host.as_str(), ssh.path.as_str()), ("h", "/a/b"));
    assert_eq!((ssh.user.as_deref(), ssh.port), (Some("u"), Some(2222)));
    assert_eq!(ssh.connect_timeout, Some(Duration::from_secs(3)));
    assert_eq!(ssh.keyfile, Some("/nowhere/home/key".into()));
    let Reach::Elsewhere(Location::Web(web)) =
        remote("url = https://h/a\nauth = custom\ncustom_auth_header = X-T\npassword = p\nssl_verify = false").reach(&[]).unwrap()
    else {
        panic!("no web");
    };
    assert_eq!(web.header, Some(("X-T".to_owned(), "p".to_owned())));
    assert!(web.accepts_any_certificate && web.login.is_none());
}

#[test]
fn a_remote_may_be_based_on_another_one() {
    let found = options(
        "['remote \"base\"']\nurl = s3://b/p\nregion = eu\n['remote \"mid\"']\nurl = remote://base/x\nregion = us\n['remote \"r\"']\nurl = remote://mid/y z\n",
    )
    .unwrap();
    assert_eq!(
        (found.url.as_str(), found.get("region")),
        ("s3://b/p/x/y z", Some("us"))
    );
    let error = options("['remote \"r\"']\nurl = remote://r/x")
        .unwrap_err()
        .to_string();
    assert!(error.contains("lead back"), "{error}");
    let error = options("['remote \"r\"']\nurl = remote://none/x")
        .unwrap_err()
        .to_string();
    assert!(error.contains("no remote `none`"), "{error}");
}

#[track_caller]
fn refused(values: &str, words: &str) {
    let remote = remote(values);
    let done = remote.notes().and_then(|_| remote.reach(&[]));
    let error = done.unwrap_err().to_string();
    assert!(error.contains(words) && error.contains("\"r\""), "{error}");
}

#[test]
fn what_is_not_honoured_is_told() {
    refused("url = gdrive://x/y", "there are directories");
    refused("url = s3://b\nacl = private", "`acl`");
    refused("url = s3://b\nversion_aware = true", "`version_aware`");
    refused("url = ssh://h/p\npassword = x", "an agent");
    refused("url = ssh://-oProxyCommand=x/p", "no machine");
    refused("url = ssh://h:x/p", "`x` is no port");
    refused("url = http://h\nauth = digest", "`basic` and `custom` are");
    refused("url = http://h\nauth = basic\nuser = u", "needs `password`");
    refused("url = s3://b\nunheard = 1", "`unheard`");
    refused("url = s3://b\nread_timeout = soon", "no time in seconds");
    assert_eq!(
        remote("url = s3://b\nworktree = false\njobs = 3")
            .notes()
            .unwrap(),
        [""; 0]
    );
    let notes = remote("url = http://h\nmethod = PUT").notes().unwrap();
    assert!(notes[0].contains("`method` is not honoured"), "{notes:?}");
}
