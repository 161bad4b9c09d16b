//! Sources, checks, preparation and split on DataFusion.
