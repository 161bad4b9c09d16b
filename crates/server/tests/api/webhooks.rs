//! Webhooks: what is kept of them, and what they are told.

mod receiver;

use std::sync::Arc;
use std::time::Duration;

use everloop_domain::{ManualClock, Timestamp};
use everloop_metastore::Metastore;
use everloop_server::{Parts, Running, Settings, WebhookSettings, start};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use self::receiver::{Receiver, Told, no_answer};
use super::server::{NOW, answer, places};

const SECRET: &str = "a secret that stays";

/// A server that tells webhooks, and its store, which outlives it.
struct Teller {
    running: Running,
    metastore: Metastore,
    clock: Arc<ManualClock>,
    dir: tempfile::TempDir,
}

impl Teller {
    /// A server that may tell this machine.
    async fn start() -> Self {
        Self::with(local(), Metastore::in_memory().unwrap()).await
    }

    async fn with(webhooks: WebhookSettings, metastore: Metastore) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(NOW)));
        let parts = Parts {
            metastore: metastore.clone(),
            places: places(dir.path(), "mlflow-artifacts:"),
            clock: clock.clone(),
            deployment: None,
        };
        let settings = Settings {
            webhooks,
            ..Settings::on_a_free_port()
        };
        let running = start(parts, &settings).await.unwrap();
        Self {
            running,
            metastore,
            clock,
            dir,
        }
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let url = format!("{}/api/2.0/mlflow/{path}", self.running.url());
        answer(Client::new().request(method, url).json(&body)).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(Method::POST, path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    /// Makes a webhook that listens to models and aliases; its id.
    async fn listen(&self, url: &str) -> String {
        let made = self.post("webhooks", new(url)).await;
        made["webhook"]["webhook_id"].as_str().unwrap().to_owned()
    }

    async fn make_model(&self, name: &str) {
        self.post("registered-models/create", json!({"name": name}))
            .await;
    }

    /// How many things the webhook is still to be told.
    async fn n_left(&self, id: &str) -> u64 {
        let id = id.to_owned();
        let count = self.metastore.read(move |tx| tx.deliveries().count(&id));
        count.await.unwrap()
    }

    /// Waits until the webhook is to be told no more than so many things.
    async fn until_left(&self, id: &str, n_left: u64) {
        for _ in 0..400 {
            if self.n_left(id).await == n_left {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} are left, not {n_left}", self.n_left(id).await);
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn local() -> WebhookSettings {
    WebhookSettings {
        tells: true,
        allows_private: true,
        schemes: vec!["http".to_owned(), "https".to_owned()],
        timeout: Duration::from_secs(5),
        ..WebhookSettings::default()
    }
}

fn new(url: &str) -> Value {
    json!({
        "name": "hook", "url": url, "secret": SECRET, "events": [
            {"entity": "REGISTERED_MODEL", "action": "CREATED"},
            {"entity": "MODEL_VERSION_ALIAS", "action": "DELETED"},
        ],
    })
}

/// The name of the model that a webhook was told of.
fn model(told: &Told) -> &str {
    told.body["data"]["name"].as_str().unwrap()
}

#[tokio::test]
async fn a_webhook_is_made_shown_changed_and_deleted() {
    let server = Teller::start().await;
    let id = server.listen("http://127.0.0.1:1/x?token=1").await;
    let path = format!("webhooks/{id}");
    let (_, shown) = server.ask(Method::GET, &path, json!({})).await;
    let expected = json!({"webhook": {
        "webhook_id": id, "name": "hook", "url": "http://127.0.0.1:1/x?token=1",
        "events": [
            {"entity": "REGISTERED_MODEL", "action": "CREATED"},
            {"entity": "MODEL_VERSION_ALIAS", "action": "DELETED"},
        ],
        "status": "ACTIVE", "creation_timestamp": NOW, "last_updated_timestamp": NOW,
    }});
    assert_eq!(shown, expected);
    server.pass(1);
    let body = json!({"status": "DISABLED", "description": "why", "name": "other"});
    let (status, changed) = server.ask(Method::PATCH, &path, body).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    let changed = &changed["webhook"];
    assert_eq!(changed["status"], "DISABLED");
    assert_eq!(
        (&changed["description"], &changed["name"]),
        (&json!("why"), &json!("other"))
    );
    assert_eq!(changed["last_updated_timestamp"], NOW + 1000);
    assert_eq!(changed["events"], expected["webhook"]["events"]);
    server.listen("http://127.0.0.1:1/y").await;
    let (_, page) = server
        .ask(Method::GET, "webhooks?max_results=1", json!({}))
        .await;
    assert_eq!(page["webhooks"].as_array().unwrap().len(), 1);
    let next = format!(
        "webhooks?page_token={}",
        page["next_page_token"].as_str().unwrap()
    );
    let (_, next) = server.ask(Method::GET, &next, json!({})).await;
    assert_eq!(next["webhooks"].as_array().unwrap().len(), 1);
    assert_eq!(next["next_page_token"], Value::Null);
    let (status, none) = server.ask(Method::DELETE, &path, json!({})).await;
    assert_eq!((status, none), (StatusCode::OK, json!({})));
    for method in [Method::GET, Method::PATCH, Method::DELETE] {
        let (status, gone) = server.ask(method, &path, json!({})).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(gone["error_code"], "RESOURCE_DOES_NOT_EXIST");
        assert_eq!(gone["message"], format!("Webhook with ID {id} not found."));
    }
}

#[tokio::test]
async fn what_makes_no_webhook_is_refused() {
    let server = Teller::start().await;
    let good = new("http://127.0.0.1:1/");
    for (field, value, words) in [
        ("name", Value::Null, "required parameter 'name'"),
        ("name", json!("-x"), "Webhook name '-x' is invalid"),
        ("url", json!("  "), "Webhook URL cannot be empty"),
        (
            "url",
            json!("ftp://h/"),
            "Invalid webhook URL scheme: 'ftp'",
        ),
        ("url", json!("http://[x"), "Invalid webhook URL"),
        ("events", json!([]), "must be a non-empty list"),
        (
            "events",
            json!([{"entity": "PROMPT", "action": "SET"}]),
            "`prompt.set` is not an event",
        ),
        ("status", json!("ASLEEP"), "Invalid webhook status"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let (status, answer) = server.ask(Method::POST, "webhooks", body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{field}: {answer}");
        assert!(
            answer["message"].as_str().unwrap().contains(words),
            "{answer}"
        );
    }
    let (_, none) = server.ask(Method::GET, "webhooks", json!({})).await;
    assert_eq!(none, json!({}));
}

/// Neither by us nor by a copy of the database.
#[tokio::test]
async fn a_secret_never_comes_out() {
    let key = Some("the operator's key, long enough".to_owned());
    let settings = WebhookSettings { key, ..local() };
    let server = Teller::with(settings, Metastore::in_memory().unwrap()).await;
    let made = server.post("webhooks", new("http://127.0.0.1:1/")).await;
    let id = made["webhook"]["webhook_id"].as_str().unwrap().to_owned();
    let path = format!("webhooks/{id}");
    let (_, shown) = server.ask(Method::GET, &path, json!({})).await;
    let body = json!({"secret": "another secret that stays"});
    let (_, changed) = server.ask(Method::PATCH, &path, body).await;
    let (_, list) = server.ask(Method::GET, "webhooks", json!({})).await;
    let tested = server.post(&format!("{path}/test"), json!({})).await;
    let kept = server
        .metastore
        .read(move |tx| tx.webhooks().get(&id))
        .await;
    for text in [
        made.to_string(),
        shown.to_string(),
        changed.to_string(),
        list.to_string(),
        tested.to_string(),
        format!("{:?}", kept.unwrap()),
    ] {
        assert!(!text.contains("that stays"), "{text}");
    }
}

#[tokio::test]
async fn what_happens_is_told_signed_and_in_order() {
    let server = Teller::start().await;
    let receiver = Receiver::start(&[]).await;
    let id = server.listen(&receiver.url).await;
    for name in ["a", "b", "c"] {
        server.make_model(name).await;
    }
    server.until_left(&id, 0).await;
    let told = receiver.told();
    assert_eq!(told.iter().map(model).collect::<Vec<_>>(), ["a", "b", "c"]);
    for one in &told {
        assert_eq!(one.header("x-mlflow-signature"), one.signature(SECRET));
        assert_eq!(one.header("x-mlflow-timestamp"), (NOW / 1000).to_string());
        assert_eq!(one.header("content-type"), "application/json");
        assert_eq!(one.body["entity"], "registered_model");
        assert_eq!(one.body["action"], "created");
        assert_eq!(one.body["timestamp"], "2023-11-14T22:13:20+00:00");
    }
    let expected = json!({"name": "a", "tags": {}, "description": ""});
    assert_eq!(told[0].body["data"], expected);
    assert_ne!(
        told[0].header("x-mlflow-delivery-id"),
        told[1].header("x-mlflow-delivery-id")
    );
    // Without a secret there is no signature.
    let (_, unsigned) = server
        .ask(
            Method::PATCH,
            &format!("webhooks/{id}"),
            json!({"secret": ""}),
        )
        .await;
    assert_eq!(unsigned["webhook"]["webhook_id"], *id);
    server.make_model("d").await;
    server.until_left(&id, 0).await;
    assert_eq!(receiver.told()[3].header("x-mlflow-signature"), "");
}

#[tokio::test]
async fn what_fails_is_told_again_later_and_holds_up_the_rest() {
    let server = Teller::start().await;
    let receiver = Receiver::start(&[500, 503, 429]).await;
    let id = server.listen(&receiver.url).await;
    server.make_model("a").await;
    server.make_model("b").await;
    for (n_told, pause) in [(1, 2), (2, 3), (3, 5)] {
        receiver.until(n_told).await;
        server.until_left(&id, 2).await;
        server.pass(pause);
    }
    server.until_left(&id, 0).await;
    let told = receiver.told();
    assert_eq!(
        told.iter().map(model).collect::<Vec<_>>(),
        ["a", "a", "a", "a", "b"]
    );
    let ids: Vec<&str> = told
        .iter()
        .map(|one| one.header("x-mlflow-delivery-id"))
        .collect();
    assert!(
        ids[..4].iter().all(|id| *id == ids[0]) && ids[4] != ids[0],
        "{ids:?}"
    );
    // Each attempt is signed for its own moment.
    assert_eq!(
        told[3].header("x-mlflow-signature"),
        told[3].signature(SECRET)
    );
    assert_ne!(
        told[3].header("x-mlflow-timestamp"),
        told[0].header("x-mlflow-timestamp")
    );
}

#[tokio::test]
async fn what_fails_too_often_is_given_up() {
    let server = Teller::start().await;
    let receiver = Receiver::start(&[500; 9]).await;
    let answered = server.listen(&receiver.url).await;
    // Nobody listens there: the connection is refused.
    let silent = server
        .listen(&format!("http://{}/", no_answer().await))
        .await;
    server.make_model("a").await;
    receiver.until(1).await;
    let mut n_looks = 0;
    while server.n_left(&answered).await + server.n_left(&silent).await > 0 {
        server.pass(60);
        tokio::time::sleep(Duration::from_millis(100)).await;
        n_looks += 1;
        assert!(n_looks < 400, "it is still tried");
    }
    assert_eq!(receiver.told().len(), 4);
}

#[tokio::test]
async fn what_the_receiver_refuses_is_not_told_again() {
    let server = Teller::start().await;
    let receiver = Receiver::start(&[400, 404, 501, 302]).await;
    let id = server.listen(&receiver.url).await;
    for name in ["a", "b", "c", "d", "e"] {
        server.make_model(name).await;
    }
    server.until_left(&id, 0).await;
    let told = receiver.told();
    // The redirect to `/elsewhere` was not followed either.
    assert_eq!(
        told.iter().map(model).collect::<Vec<_>>(),
        ["a", "b", "c", "d", "e"]
    );
    assert!(told.iter().all(|one| one.path == "/hook"), "{told:?}");
}

#[tokio::test]
async fn a_disabled_webhook_hears_nothing() {
    let server = Teller::start().await;
    let (silent, heard) = (Receiver::start(&[]).await, Receiver::start(&[]).await);
    let id = server.listen(&silent.url).await;
    let disable = json!({"status": "DISABLED"});
    server
        .ask(Method::PATCH, &format!("webhooks/{id}"), disable)
        .await;
    let other = server.listen(&heard.url).await;
    server.make_model("a").await;
    heard.until(1).await;
    server.until_left(&other, 0).await;
    assert_eq!(server.n_left(&id).await, 0);
    assert!(silent.told().is_empty());
}

#[tokio::test]
async fn a_restart_tells_what_was_left() {
    let receiver = Receiver::start(&[500]).await;
    let server = Teller::start().await;
    let id = server.listen(&receiver.url).await;
    server.make_model("a").await;
    server.make_model("b").await;
    receiver.until(1).await;
    let metastore = server.metastore.clone();
    server.running.stop().await;
    assert_eq!(receiver.told().len(), 1);
    let server = Teller::with(local(), metastore).await;
    server.pass(10);
    server.until_left(&id, 0).await;
    let told = receiver.told();
    assert_eq!(told.iter().map(model).collect::<Vec<_>>(), ["a", "a", "b"]);
    assert!(server.dir.path().exists());
}

#[tokio::test]
async fn a_server_with_another_key_keeps_what_it_cannot_sign() {
    let receiver = Receiver::start(&[]).await;
    let with_key = |key: &str| WebhookSettings {
        key: Some(key.to_owned()),
        ..local()
    };
    let store = Metastore::in_memory().unwrap();
    let server = Teller::with(with_key("the key of the first start"), store.clone()).await;
    let id = server.listen(&receiver.url).await;
    server.running.stop().await;
    let server = Teller::with(with_key("the key of the second start"), store.clone()).await;
    server.make_model("a").await;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        server.pass(60);
    }
    assert_eq!(server.n_left(&id).await, 1);
    server.running.stop().await;
    let server = Teller::with(with_key("the key of the first start"), store).await;
    server.pass(3600);
    server.until_left(&id, 0).await;
    let told = receiver.told();
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].header("x-mlflow-signature"),
        told[0].signature(SECRET)
    );
}

#[tokio::test]
async fn a_test_tells_an_example_and_gives_the_answer() {
    let server = Teller::start().await;
    let receiver = Receiver::start(&[200, 418]).await;
    let id = server.listen(&receiver.url).await;
    let path = format!("webhooks/{id}/test");
    let tested = server.post(&path, json!({})).await;
    let expected = json!({"success": true, "response_status": 200, "response_body": "noted"});
    assert_eq!(tested, json!({"result": expected}));
    let event = json!({"entity": "PROMPT_TAG", "action": "SET"});
    let tested = server.post(&path, json!({"event": event})).await;
    assert_eq!(tested["result"]["success"], false);
    assert_eq!(tested["result"]["response_status"], 418);
    let told = receiver.told();
    let expected = json!({
        "name": "example_model", "tags": {"example_key": "example_value"}, "description": "An example registered model",
    });
    assert_eq!(told[0].body["data"], expected);
    assert_eq!(
        told[0].header("x-mlflow-signature"),
        told[0].signature(SECRET)
    );
    assert_eq!(told[1].body["entity"], "prompt_tag");
    let elsewhere = json!({"url": format!("http://{}/", no_answer().await)});
    server
        .ask(Method::PATCH, &format!("webhooks/{id}"), elsewhere)
        .await;
    let tested = server.post(&path, json!({})).await;
    assert_eq!(tested["result"]["success"], false);
    let words = tested["result"]["error_message"].as_str().unwrap();
    assert!(words.starts_with("Failed to test webhook: "), "{words}");
}

/// By default a webhook leads neither to this machine nor to its network.
#[tokio::test]
async fn private_addresses_are_refused_unless_allowed() {
    let settings = WebhookSettings {
        allows_private: false,
        ..local()
    };
    let receiver = Receiver::start(&[]).await;
    let server = Teller::with(settings, Metastore::in_memory().unwrap()).await;
    let port = receiver.url.rsplit(':').next().unwrap();
    for host in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
        "0.0.0.0",
    ] {
        let url = format!("http://{host}:{port}");
        let (status, answer) = server.ask(Method::POST, "webhooks", new(&url)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{host}: {answer}");
        let words = answer["message"].as_str().unwrap();
        assert!(words.contains("not a public address"), "{host}: {words}");
    }
    // One that was made when it was allowed, or whose name led elsewhere then, is told nothing.
    let mut ids = Vec::new();
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("http://{host}:{port}");
        let id = format!("to-{host}");
        let webhook = everloop_metastore::Webhook {
            id: id.clone(),
            name: "hook".to_owned(),
            description: None,
            url,
            events: everloop_domain::RegistryEvent::ALL.to_vec(),
            is_active: true,
            secret: None,
            created_at: Timestamp::from_millis(NOW),
            updated_at: Timestamp::from_millis(NOW),
        };
        let making = server
            .metastore
            .write(move |tx| tx.webhooks().create(&webhook));
        making.await.unwrap();
        ids.push(id);
    }
    server.make_model("a").await;
    for id in ids {
        server.until_left(&id, 0).await;
        let tested = server.post(&format!("webhooks/{id}/test"), json!({})).await;
        let words = tested["result"]["error_message"].as_str().unwrap();
        assert!(words.contains("not a public address"), "{words}");
    }
    assert!(receiver.told().is_empty(), "{:?}", receiver.told());
}
