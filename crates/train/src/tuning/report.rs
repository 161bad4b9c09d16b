//! The search as a page.
