//! The part of the ONNX file format that this crate reads and writes, as `prost` messages.
//!
//! Names and field numbers are those of `onnx/onnx.proto` in the repository `onnx/onnx` (IR
//! version 9). Fields that no writer of ours uses and no reader of ours needs (subgraphs, sparse
//! tensors, training, quantisation, external data) are left out: they are skipped when read.

use prost::bytes::Bytes;

/// The IR version that our graphs declare: the one that came with operator set 19.
pub const IR_VERSION: i64 = 9;
/// The version of the default operator set that our graphs use: the first with `Equal` on text.
pub const OPSET_VERSION: i64 = 19;
/// The version of the `ai.onnx.ml` operator set that our graphs use: the first in which trees may
/// have double thresholds.
pub const OPSET_ML_VERSION: i64 = 3;
/// The domain of the operators of classic machine learning.
pub const ML_DOMAIN: &str = "ai.onnx.ml";

/// `TensorProto.DataType`, as far as used.
pub mod data_type {
    /// 32-bit floating point.
    pub const FLOAT: i32 = 1;
    /// Whole numbers from 0 to 255.
    pub const UINT8: i32 = 2;
    /// 32-bit whole numbers.
    pub const INT32: i32 = 6;
    /// 64-bit whole numbers.
    pub const INT64: i32 = 7;
    /// UTF-8 text.
    pub const STRING: i32 = 8;
    /// True or false.
    pub const BOOL: i32 = 9;
    /// 64-bit floating point.
    pub const DOUBLE: i32 = 11;
}

/// `AttributeProto.AttributeType`, as far as used.
pub mod attribute_type {
    /// A single 32-bit float.
    pub const FLOAT: i32 = 1;
    /// A single whole number.
    pub const INT: i32 = 2;
    /// A single text.
    pub const STRING: i32 = 3;
    /// A tensor.
    pub const TENSOR: i32 = 4;
    /// A list of 32-bit floats.
    pub const FLOATS: i32 = 6;
    /// A list of whole numbers.
    pub const INTS: i32 = 7;
    /// A list of texts.
    pub const STRINGS: i32 = 8;
}

/// A model file.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ModelProto {
    /// The version of the file format.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// The operator sets the nodes come from.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// The program that wrote the model.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// Its version.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// What the model computes.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    /// Free texts.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

/// A key and its value.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StringStringEntryProto {
    /// The key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// An operator set that a model uses.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OperatorSetIdProto {
    /// The domain; empty for ONNX's own operators.
    #[prost(string, optional, tag = "1")]
    pub domain: Option<String>,
    /// The version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// Nodes in an order in which they can be computed, with constants, inputs and outputs.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GraphProto {
    /// The nodes.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    /// The graph's name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Constants by name.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    /// What is given.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    /// What is wanted.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
}

/// One operation.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NodeProto {
    /// The edges that are read.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// The edges that are written.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// The node's name.
    #[prost(string, tag = "3")]
    pub name: String,
    /// The operator.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// The operator's domain; empty for ONNX's own.
    #[prost(string, tag = "7")]
    pub domain: String,
    /// The operator's settings.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
}

/// A setting of a node.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AttributeProto {
    /// The setting's name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Which field holds the value: see [`attribute_type`].
    #[prost(int32, tag = "20")]
    pub r#type: i32,
    /// A single float.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// A single whole number.
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// A single text.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub s: Option<Vec<u8>>,
    /// A tensor.
    #[prost(message, optional, tag = "5")]
    pub t: Option<TensorProto>,
    /// Floats.
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub floats: Vec<f32>,
    /// Whole numbers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// Texts; those of large trees are a few words that are never copied.
    #[prost(bytes = "bytes", repeated, tag = "9")]
    pub strings: Vec<Bytes>,
}

/// A constant tensor, row-major.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorProto {
    /// The shape; empty for a single value.
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    /// The element type: see [`data_type`].
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// Elements of type `FLOAT`.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Elements of type `INT32` and `BOOL`.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// Elements of type `STRING`.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub string_data: Vec<Vec<u8>>,
    /// Elements of type `INT64`.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// The name of a constant.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Elements as little-endian bytes, instead of the typed fields.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub raw_data: Option<Vec<u8>>,
    /// Elements of type `DOUBLE`.
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// 1 when the elements are in another file, which is not supported.
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

/// A named input or output.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ValueInfoProto {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Type and shape.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
    /// What people should know of it.
    #[prost(string, optional, tag = "3")]
    pub doc_string: Option<String>,
}

/// The type of an input or output.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TypeProto {
    /// What it is if it is a tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorTypeProto>,
}

/// `TypeProto.Tensor`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorTypeProto {
    /// The element type: see [`data_type`].
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// The shape; any if absent.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// The shape of an input or output.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorShapeProto {
    /// The dimensions, outermost first.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<DimensionProto>,
}

/// `TensorShapeProto.Dimension`: a fixed size, or a name for one that varies.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DimensionProto {
    /// The size.
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
    /// The name.
    #[prost(string, optional, tag = "2")]
    pub dim_param: Option<String>,
}
