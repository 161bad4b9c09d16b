//! Published vulnerabilities of MLflow's server, tried on ours.
//!
//! Each test bears the number under which the flaw was published, and says in its own words what an attacker did. The
//! server is a real one on a free port; a canary lies outside of everything that clients may reach. Flaws of the client, of
//! deserialisation and of authentication are not here: this server loads no pickles and has no passwords yet.

#[cfg(test)]
mod reading;
#[cfg(test)]
mod requests;
#[cfg(test)]
#[path = "../api/server.rs"]
#[expect(dead_code, reason = "the other tests of the crate use the rest of it")]
mod server;
#[cfg(test)]
mod writing;

#[cfg(test)]
mod victim {
    use std::path::PathBuf;

    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::server::TestServer;

    /// What nobody may read or change.
    pub(crate) const SECRET: &str = "the canary sings";

    /// A server with a secret file beside its artifacts.
    pub(crate) struct Victim {
        pub(crate) server: TestServer,
    }

    impl Victim {
        pub(crate) async fn start() -> Self {
            let server = TestServer::start().await;
            std::fs::write(server.dir().join("secret.txt"), SECRET).unwrap();
            Self { server }
        }

        /// The canary's file.
        pub(crate) fn secret(&self) -> PathBuf {
            self.server.dir().join("secret.txt")
        }

        /// The directory in which the canary is.
        pub(crate) fn dir(&self) -> String {
            self.server.dir().display().to_string()
        }

        /// Sends a request as it is written, without any client that would clean it up; gives status and answer.
        pub(crate) async fn raw(&self, method: &str, path: &str, body: &str) -> (u16, String) {
            self.raw_with(method, path, "", body).await
        }

        /// The same with further header lines.
        pub(crate) async fn raw_with(
            &self,
            method: &str,
            path: &str,
            headers: &str,
            body: &str,
        ) -> (u16, String) {
            let address = self.server.running.url().replace("http://", "");
            let mut stream = TcpStream::connect(&address).await.unwrap();
            let host = if headers.to_ascii_lowercase().contains("host:") {
                String::new()
            } else {
                format!("host: {address}\r\n")
            };
            let request = format!(
                "{method} {path} HTTP/1.1\r\n{host}{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            let answer = String::from_utf8_lossy(&bytes).into_owned();
            let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
            (status.unwrap_or(0), answer)
        }

        /// Calls an endpoint that may refuse; gives status and answer.
        pub(crate) async fn call(&self, endpoint: &str, body: Value) -> (u16, Value) {
            let path = format!("/api/2.0/mlflow/{endpoint}");
            let (status, answer) = self.server.post(&path, body).await;
            (status.as_u16(), answer)
        }

        /// A run in an experiment whose artifacts are said to be somewhere; nothing if the server refuses the place.
        pub(crate) async fn run_at(&self, location: &str) -> Option<String> {
            let body = json!({"name": location, "artifact_location": location});
            let (status, made) = self.call("experiments/create", body).await;
            if status != 200 {
                assert_eq!(status, 400, "{location}: {made}");
                return None;
            }
            let body = json!({"experiment_id": made["experiment_id"]});
            let (status, made) = self.call("runs/create", body).await;
            assert_eq!(status, 200, "{location}: {made}");
            Some(made["run"]["info"]["run_id"].as_str().unwrap().to_owned())
        }

        /// Makes a version of a source, with a run if one is named; gives whether the server took it.
        pub(crate) async fn version_of(&self, source: &str, run: Option<&str>) -> bool {
            // It is there already at the second try.
            self.call("registered-models/create", json!({"name": "m"}))
                .await;
            let body = json!({"name": "m", "source": source, "run_id": run});
            self.call("model-versions/create", body).await.0 == 200
        }
    }
}
