//! Preparation of single columns: to numbers, imputation, scaling, categories.

use everloop_domain::Value;

use crate::Kind;
use crate::graph::emit::{float, floats, int, ints, node, strings};
use crate::graph::{Column, GraphBuilder, Matrix};
use crate::onnx::{AttributeProto, ML_DOMAIN, data_type};

impl GraphBuilder {
    /// The column as doubles: whole numbers as they are, booleans as 0 and 1. Text is refused.
    pub fn number(&mut self, column: &Column) -> Column {
        let edge = match column.kind {
            Kind::Number => column.edge.clone(),
            Kind::Integer | Kind::Boolean => self.cast(&column.edge, data_type::DOUBLE),
            Kind::Timestamp => {
                self.refuse(format!(
                    "timestamp column `{}` cannot become a number: take its parts",
                    column.edge
                ));
                column.edge.clone()
            }
            Kind::Text => {
                self.refuse(format!(
                    "text column `{}` cannot become a number: encode it",
                    column.edge
                ));
                column.edge.clone()
            }
        };
        Column {
            edge,
            kind: Kind::Number,
        }
    }

    /// The column as doubles with `value` in the place of missing ones.
    pub fn impute(&mut self, column: &Column, value: f64) -> Column {
        let column = self.number(column);
        let is_missing = self.call("IsNaN", &[&column.edge]);
        let constant = self.number_constant(value);
        Column {
            edge: self.call("Where", &[&is_missing, &constant, &column.edge]),
            kind: Kind::Number,
        }
    }

    /// `(x - offset) * factor`.
    pub fn scale(&mut self, column: &Column, offset: f64, factor: f64) -> Column {
        let column = self.number(column);
        let offset = self.number_constant(offset);
        let factor = self.number_constant(factor);
        let shifted = self.call("Sub", &[&column.edge, &offset]);
        Column {
            edge: self.call("Mul", &[&shifted, &factor]),
            kind: Kind::Number,
        }
    }

    /// Whether the value is missing, as a boolean column: see the [module](crate::graph) for what
    /// counts as missing.
    pub fn is_missing(&mut self, column: &Column) -> Column {
        Column {
            edge: self.missing(&column.edge, column.kind),
            kind: Kind::Boolean,
        }
    }

    /// One column of 0 and 1 per category of a text or whole-number column, in the order given;
    /// unknown and missing values are all zeros. The empty text cannot be a category.
    pub fn one_hot(&mut self, column: &Column, categories: &[Value]) -> Matrix {
        let n_columns = categories.len();
        if !self.accepts(column, categories) {
            return Matrix {
                edge: column.edge.clone(),
                n_columns,
            };
        }
        let mut encode = node("OneHotEncoder", &[&column.edge]);
        ML_DOMAIN.clone_into(&mut encode.domain);
        encode.attribute = vec![
            list_attribute(column.kind, ["cats_strings", "cats_int64s"], categories),
            int("zeros", 1),
        ];
        let encoded = self.push(encode);
        Matrix {
            edge: self.cast(&encoded, data_type::DOUBLE),
            n_columns,
        }
    }

    /// The index of the value in `categories`, as a double; NaN for unknown and missing values.
    /// The empty text cannot be a category.
    pub fn ordinal(&mut self, column: &Column, categories: &[Value]) -> Column {
        if !self.accepts(column, categories) {
            return Column {
                edge: column.edge.clone(),
                kind: Kind::Number,
            };
        }
        let mut encode = node("LabelEncoder", &[&column.edge]);
        ML_DOMAIN.clone_into(&mut encode.domain);
        encode.attribute = vec![
            float("default_float", f32::NAN),
            list_attribute(column.kind, ["keys_strings", "keys_int64s"], categories),
            floats(
                "values_floats",
                (0..categories.len()).map(|index| index as f32).collect(),
            ),
        ];
        let encoded = self.push(encode);
        Column {
            edge: self.cast(&encoded, data_type::DOUBLE),
            kind: Kind::Number,
        }
    }

    /// Whether categories can be told apart in this column; what cannot is remembered as failure.
    fn accepts(&mut self, column: &Column, categories: &[Value]) -> bool {
        let name = &column.edge;
        let problem = if !matches!(column.kind, Kind::Text | Kind::Integer) {
            format!(
                "`{name}` is {}: only text and integer columns have categories",
                column.kind.phrase()
            )
        } else if categories.is_empty() {
            format!("`{name}` has no categories: leave the column out")
        } else if let Some(wrong) = categories
            .iter()
            .find(|value| Kind::of_value(value) != column.kind)
        {
            format!(
                "category `{wrong}` of the {} column `{name}` is {}",
                column.kind,
                Kind::of_value(wrong).phrase()
            )
        } else if categories.contains(&Value::Text(String::new())) {
            format!("the empty text is missing, so it cannot be a category of `{name}`")
        } else if let Some(twice) = duplicate(categories) {
            format!("category `{twice}` of `{name}` is given twice")
        } else {
            return true;
        };
        self.refuse(problem);
        false
    }
}

fn duplicate(categories: &[Value]) -> Option<String> {
    let mut seen = std::collections::BTreeSet::new();
    categories
        .iter()
        .map(ToString::to_string)
        .find(|text| !seen.insert(text.clone()))
}

/// The categories as the attribute for texts or for whole numbers.
fn list_attribute(
    kind: Kind,
    [for_text, for_integers]: [&str; 2],
    values: &[Value],
) -> AttributeProto {
    if kind == Kind::Text {
        return strings(
            for_text,
            &values.iter().map(ToString::to_string).collect::<Vec<_>>(),
        );
    }
    let integers = values.iter().filter_map(|value| {
        if let Value::Integer(value) = value {
            Some(*value)
        } else {
            None
        }
    });
    ints(for_integers, &integers.collect::<Vec<_>>())
}
