//! HTTP: MLflow REST, own API, the page.
