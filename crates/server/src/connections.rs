//! Connections, from accepting them to their end.

use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::patience::{Patience, Sent, Taken};

/// How long accepting rests when the machine has no sockets left.
const REST: Duration = Duration::from_millis(100);
/// How long requests in flight may take to end when the server stops.
const ENDING: Duration = Duration::from_secs(30);

/// Serves until told to stop; then finishes the requests in flight.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    patience: Patience,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let stop = stopped.clone();
    loop {
        tokio::select! {
            () = told(&mut stopped) => break,
            Some(_) = connections.join_next() => {}
            stream = accept(&listener) => {
                connections.spawn(connection(stream, app.clone(), patience, stop.clone()));
            }
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(ENDING, ended).await.is_err() {
        tracing::warn!(
            n_connections = connections.len(),
            "requests did not end in time and were cut off"
        );
    }
}

/// Waits for the word to stop.
async fn told(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone: that is a stop, too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// The next connection. Clients that are gone again and machines out of sockets are no reason to stop.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::ConnectionReset
                ) => {}
            Err(error) => {
                tracing::error!(error = %error, "cannot accept a connection");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    app: Router,
    patience: Patience,
    mut stopped: watch::Receiver<bool>,
) {
    // Answers are written whole; waiting to gather more would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error, "a connection was gone at once");
        return;
    }
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |request: Request<Incoming>| {
        app.call(request.map(|body| Sent::bounded(body, patience.body)))
    });
    let stream = TokioIo::new(Taken::new(stream, patience.answer));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head);
    let mut serving = std::pin::pin!(builder.serve_connection(stream, service));
    let result = tokio::select! {
        result = serving.as_mut() => result,
        () = told(&mut stopped) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(error = %error, "a connection broke off");
    }
}
