//! Raw columns.

use crate::graph::emit::EDGE_PREFIX;
use crate::graph::{Column, GraphBuilder};
use crate::{Input, Kind};

impl GraphBuilder {
    /// Declares a raw column that the model takes, in the order of the signature. Asked again for
    /// the same column, it returns the same edge.
    pub fn input(&mut self, name: &str, kind: Kind) -> Column {
        let column = Column {
            edge: name.to_owned(),
            kind,
        };
        if let Some(input) = self
            .input_places
            .get(name)
            .and_then(|&place| self.inputs.get(place))
        {
            if input.kind != kind {
                let first = input.kind;
                self.refuse(format!(
                    "input `{name}` is declared as {first} and as {kind}"
                ));
            }
            return column;
        }
        if name.is_empty() || name.starts_with(EDGE_PREFIX) {
            self.refuse(format!(
                "a column named `{name}` cannot be a model input: rename it in `prepare`"
            ));
        }
        self.input_places.insert(name.to_owned(), self.inputs.len());
        self.inputs.push(Input {
            name: name.to_owned(),
            kind,
            required: true,
        });
        column
    }
}
