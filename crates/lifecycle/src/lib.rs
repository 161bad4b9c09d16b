//! The lifecycle file: text in, plan and diagnostics out.
