//! All SQL: tracking, registry, cycles, signals, audit.
