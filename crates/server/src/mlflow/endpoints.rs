//! The endpoints of MLflow's server 3.18, by name: facts about MLflow, not about us.
//!
//! Which of them this server answers is found by asking it, when the reference pages are written and in the tests.

/// A line an endpoint: its group, method and path.
const ENDPOINTS: &str = include_str!("endpoints.txt");

/// An endpoint of MLflow's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `CORE`: tracking and registry; `GENAI`; `ADMIN`: users, webhooks, workspaces.
    pub group: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path, with `{parameters}`.
    pub path: &'static str,
}

/// All endpoints, in the order of their groups.
pub fn endpoints() -> impl Iterator<Item = Endpoint> {
    ENDPOINTS.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some(Endpoint {
            group: words.next()?,
            method: words.next()?,
            path: words.next()?,
        })
    })
}
