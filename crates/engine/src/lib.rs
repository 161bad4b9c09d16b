//! Runs a plan: cache, stages, processes, resume.
