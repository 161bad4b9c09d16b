//! The operators of the native engine: from a node to something that runs.

use crate::native::attributes::Attributes;
use crate::native::elementwise::{Arithmetic, Comparison, Logic, Unary};
use crate::native::encode::{LabelEncoder, OneHotEncoder};
use crate::native::tensor::{Problem, Tensor};
use crate::native::trees::Trees;
use crate::native::{elementwise, integers, matrix, select, top};
use crate::onnx::{ML_DOMAIN, NodeProto};

/// An operator with its settings.
#[derive(Debug)]
pub(super) enum Operation {
    Identity,
    Cast(i32),
    Unary(Unary),
    IsNan,
    Not,
    Arithmetic(Arithmetic),
    Comparison(Comparison),
    Logic(Logic),
    Where,
    Gather { axis: i64 },
    ArgMax,
    Smallest,
    AtPlaces,
    Unsqueeze,
    Reshape,
    Concat,
    Gemm { transposed: bool },
    IntegerProduct,
    RowMax,
    Softmax,
    LabelEncoder(LabelEncoder),
    OneHotEncoder(OneHotEncoder),
    Trees(Box<Trees>),
}

impl Operation {
    /// Reads a node. `single` says that a tree ensemble sees features that were 32-bit floats.
    pub(super) fn of(node: &NodeProto, single: bool) -> Result<Self, Problem> {
        let attributes = Attributes::of(node);
        let operation = match node.domain.as_str() {
            "" | "ai.onnx" => Self::standard(&node.op_type, &attributes)?,
            ML_DOMAIN => Self::classic(&node.op_type, &attributes, single)?,
            _ => None,
        };
        let operation = operation
            .ok_or_else(|| "it is none of the operators that Everloop writes".to_owned())?;
        attributes.finish()?;
        Ok(operation)
    }

    fn standard(op_type: &str, attributes: &Attributes<'_>) -> Result<Option<Self>, Problem> {
        if let Some(unary) = Unary::named(op_type) {
            return Ok(Some(Self::Unary(unary)));
        }
        if let Some(operation) = Self::rounded(op_type, attributes)? {
            return Ok(Some(operation));
        }
        Ok(Some(match op_type {
            "Identity" => Self::Identity,
            "Cast" => Self::Cast(attributes.int("to", 0) as i32),
            "IsNaN" => Self::IsNan,
            "Not" => Self::Not,
            "Add" => Self::Arithmetic(Arithmetic::Add),
            "Sub" => Self::Arithmetic(Arithmetic::Subtract),
            "Mul" => Self::Arithmetic(Arithmetic::Multiply),
            "Div" => Self::Arithmetic(Arithmetic::Divide),
            "Pow" => Self::Arithmetic(Arithmetic::Power),
            "Mod" => {
                require(attributes.int("fmod", 0) == 1, "`fmod` must be 1")?;
                Self::Arithmetic(Arithmetic::Remainder)
            }
            "Equal" => Self::Comparison(Comparison::Equal),
            "Less" => Self::Comparison(Comparison::Less),
            "LessOrEqual" => Self::Comparison(Comparison::LessOrEqual),
            "Greater" => Self::Comparison(Comparison::Greater),
            "GreaterOrEqual" => Self::Comparison(Comparison::GreaterOrEqual),
            "And" => Self::Logic(Logic::And),
            "Or" => Self::Logic(Logic::Or),
            "Where" => Self::Where,
            "Gather" => Self::Gather {
                axis: attributes.int("axis", 0),
            },
            "ArgMax" => {
                require(
                    matches!(attributes.int("axis", 0), 1 | -1),
                    "`axis` must be 1",
                )?;
                require(attributes.int("keepdims", 1) == 0, "`keepdims` must be 0")?;
                require(
                    attributes.int("select_last_index", 0) == 0,
                    "`select_last_index` must be 0",
                )?;
                Self::ArgMax
            }
            "TopK" => Self::top(attributes)?,
            "Unsqueeze" => Self::Unsqueeze,
            "Reshape" => {
                require(attributes.int("allowzero", 0) == 0, "`allowzero` must be 0")?;
                Self::Reshape
            }
            "Concat" => {
                require(
                    matches!(attributes.int("axis", 0), 1 | -1),
                    "`axis` must be 1",
                )?;
                Self::Concat
            }
            "Gemm" => {
                let is_one = |name| (attributes.float(name, 1.0) - 1.0).abs() <= 0.0;
                require(
                    is_one("alpha") && is_one("beta"),
                    "`alpha` and `beta` must be 1",
                )?;
                require(attributes.int("transA", 0) == 0, "`transA` must be 0")?;
                Self::Gemm {
                    transposed: attributes.int("transB", 0) != 0,
                }
            }
            "Softmax" => {
                require(
                    matches!(attributes.int("axis", -1), 1 | -1),
                    "`axis` must be 1",
                )?;
                Self::Softmax
            }
            _ => return Ok(None),
        }))
    }

    /// What models in 8 bits need.
    fn rounded(op_type: &str, attributes: &Attributes<'_>) -> Result<Option<Self>, Problem> {
        Ok(match op_type {
            "MatMulInteger" => Some(Self::IntegerProduct),
            "ReduceMax" => {
                require(attributes.int("keepdims", 1) == 1, "`keepdims` must be 1")?;
                require(
                    attributes.int("noop_with_empty_axes", 0) == 0,
                    "`noop_with_empty_axes` must be 0",
                )?;
                Some(Self::RowMax)
            }
            _ => None,
        })
    }

    /// The smallest elements of rows, in order.
    fn top(attributes: &Attributes<'_>) -> Result<Self, Problem> {
        let is_by_row = matches!(attributes.int("axis", -1), 1 | -1);
        require(is_by_row, "`axis` must be 1")?;
        require(attributes.int("largest", 1) == 0, "`largest` must be 0")?;
        require(attributes.int("sorted", 1) == 1, "`sorted` must be 1")?;
        Ok(Self::Smallest)
    }

    fn classic(
        op_type: &str,
        attributes: &Attributes<'_>,
        single: bool,
    ) -> Result<Option<Self>, Problem> {
        Ok(Some(match op_type {
            "LabelEncoder" => Self::LabelEncoder(LabelEncoder::new(attributes)?),
            "OneHotEncoder" => Self::OneHotEncoder(OneHotEncoder::new(attributes)?),
            "TreeEnsembleRegressor" => Self::Trees(Box::new(Trees::new(attributes, single)?)),
            _ => return Ok(None),
        }))
    }

    /// Carries the operation out.
    pub(super) fn run(&self, inputs: &[&Tensor]) -> Result<Tensor, Problem> {
        match (self, inputs) {
            (Self::Identity, [tensor]) => Ok((*tensor).clone()),
            (Self::Cast(to), [tensor]) => elementwise::cast(tensor, *to),
            (Self::Unary(unary), [tensor]) => unary.run(tensor),
            (Self::IsNan, [tensor]) => elementwise::is_nan(tensor),
            (Self::Not, [tensor]) => elementwise::not(tensor),
            (Self::Arithmetic(arithmetic), [left, right]) => arithmetic.run(left, right),
            (Self::Comparison(comparison), [left, right]) => comparison.run(left, right),
            (Self::Logic(logic), [left, right]) => logic.run(left, right),
            (Self::Where, [condition, yes, no]) => select::choose(condition, yes, no),
            (Self::Gather { axis }, [table, indices]) => select::gather(table, indices, *axis),
            (Self::ArgMax, [tensor]) => select::arg_max(tensor),
            (Self::Smallest, [tensor, k]) => top::smallest(tensor, k),
            (Self::AtPlaces, [tensor, places]) => top::at_places(tensor, places),
            (Self::Unsqueeze, [tensor, axes]) => matrix::unsqueeze(tensor, axes),
            (Self::Reshape, [tensor, shape]) => matrix::reshape(tensor, shape),
            (Self::Concat, tensors) => matrix::concat(tensors),
            (Self::Gemm { transposed }, [left, weights, rest @ ..]) if rest.len() <= 1 => {
                matrix::gemm(left, weights, *transposed, rest.first().copied())
            }
            (Self::IntegerProduct, [left, right, left_zero, right_zero]) => {
                integers::product((left, left_zero), (right, right_zero))
            }
            (Self::RowMax, [tensor, axes]) => integers::row_max(tensor, axes),
            (Self::Softmax, [tensor]) => matrix::softmax(tensor),
            (Self::LabelEncoder(encoder), [tensor]) => encoder.run(tensor),
            (Self::OneHotEncoder(encoder), [tensor]) => encoder.run(tensor),
            (Self::Trees(trees), [tensor]) => trees.run(tensor),
            (_, inputs) => Err(format!("it has {} inputs", inputs.len())),
        }
    }
}

pub(super) fn require(holds: bool, problem: &str) -> Result<(), Problem> {
    if holds {
        Ok(())
    } else {
        Err(problem.to_owned())
    }
}
