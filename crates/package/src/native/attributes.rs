//! Typed access to the attributes of a node; each must be asked for, or the node is refused.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::native::tensor::{Data, Problem, Tensor};
use crate::onnx::{AttributeProto, NodeProto};

/// The attributes of one node and which of them were read.
pub(super) struct Attributes<'a> {
    node: &'a NodeProto,
    read: RefCell<BTreeSet<&'a str>>,
}

impl<'a> Attributes<'a> {
    pub(super) fn of(node: &'a NodeProto) -> Self {
        Self {
            node,
            read: RefCell::default(),
        }
    }

    fn find(&self, name: &str) -> Option<&'a AttributeProto> {
        let found = self
            .node
            .attribute
            .iter()
            .find(|attribute| attribute.name == name)?;
        self.read.borrow_mut().insert(&found.name);
        Some(found)
    }

    pub(super) fn int(&self, name: &str, default: i64) -> i64 {
        self.find(name)
            .map_or(default, |attribute| attribute.i.unwrap_or_default())
    }

    pub(super) fn float(&self, name: &str, default: f32) -> f32 {
        self.find(name)
            .map_or(default, |attribute| attribute.f.unwrap_or_default())
    }

    pub(super) fn text(&self, name: &str, default: &'static str) -> &'a str {
        self.find(name).map_or(default, |attribute| {
            attribute
                .s
                .as_deref()
                .and_then(|bytes| std::str::from_utf8(bytes).ok())
                .unwrap_or_default()
        })
    }

    pub(super) fn ints(&self, name: &str) -> &'a [i64] {
        self.find(name).map_or(&[], |attribute| &attribute.ints)
    }

    pub(super) fn floats(&self, name: &str) -> &'a [f32] {
        self.find(name).map_or(&[], |attribute| &attribute.floats)
    }

    pub(super) fn strings(&self, name: &str) -> Result<Vec<&'a str>, Problem> {
        let Some(attribute) = self.find(name) else {
            return Ok(Vec::new());
        };
        let texts = attribute
            .strings
            .iter()
            .map(|bytes| std::str::from_utf8(bytes));
        texts
            .collect::<Result<_, _>>()
            .map_err(|_| format!("attribute `{name}` is not UTF-8"))
    }

    /// Numbers given as 32-bit floats under `name`, or as a tensor of doubles under
    /// `<name>_as_tensor`.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<f64>, Problem> {
        let floats = self
            .floats(name)
            .iter()
            .map(|&value| f64::from(value))
            .collect();
        let Some(tensor) = self
            .find(&format!("{name}_as_tensor"))
            .and_then(|attribute| attribute.t.as_ref())
        else {
            return Ok(floats);
        };
        match Tensor::from_proto(tensor)?.data {
            Data::F64(values) if floats.is_empty() => Ok(values.to_vec()),
            Data::F32(values) if floats.is_empty() => {
                Ok(values.iter().map(|&value| f64::from(value)).collect())
            }
            _ => Err(format!("attribute `{name}` is given twice or is no number")),
        }
    }

    /// Refuses attributes that nobody asked for.
    pub(super) fn finish(&self) -> Result<(), Problem> {
        let read = self.read.borrow();
        let unknown = self
            .node
            .attribute
            .iter()
            .find(|attribute| !read.contains(attribute.name.as_str()));
        unknown.map_or(Ok(()), |attribute| {
            Err(format!("attribute `{}` is not supported", attribute.name))
        })
    }
}
