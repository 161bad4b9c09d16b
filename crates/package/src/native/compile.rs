//! From a model to a [`Program`]: names become slots, constants are folded, dead nodes dropped.

use std::collections::{HashMap, HashSet};

use crate::graph::Graph;
use crate::native::operation::Operation;
use crate::native::program::{Program, Step};
use crate::native::tensor::{Data, MAX_ROW_ELEMENTS, Problem, Shape, Tensor};
use crate::onnx::{GraphProto, ML_DOMAIN, ModelProto, NodeProto, ValueInfoProto, data_type};
use crate::{Error, Kind, Signature};

/// Results up to this size are computed once, when the model is read.
const MAX_FOLDED: usize = 4096;
/// Operator set versions in which the operators mean what this engine does.
const OPSETS: std::ops::RangeInclusive<i64> = 13..=22;
/// The same for `ai.onnx.ml`.
const ML_OPSETS: std::ops::RangeInclusive<i64> = 2..=4;

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Constant(usize),
    Input(usize),
    Step(usize),
}

struct Draft {
    operation: Operation,
    inputs: Vec<Place>,
    names: (String, String),
}

#[derive(Default)]
struct Compiler<'a> {
    places: HashMap<&'a str, Place>,
    constants: Vec<Tensor>,
    drafts: Vec<Draft>,
}

pub(super) fn program(model: &ModelProto) -> Result<Program, Error> {
    check_opsets(model)?;
    let signature = Graph::signature_of(model)?;
    let graph = model
        .graph
        .as_ref()
        .ok_or_else(|| Error::Model("it has no graph".to_owned()))?;
    let mut compiler = Compiler::default();
    compiler.add_constants(graph)?;
    // Inputs that are constants too are constants; the signature has left them out.
    let infos = graph
        .input
        .iter()
        .filter(|info| !compiler.places.contains_key(info.name.as_str()));
    for (at, info) in infos.collect::<Vec<_>>().into_iter().enumerate() {
        check_rank(info)?;
        compiler.define(&info.name, Place::Input(at))?;
    }
    for node in &graph.node {
        compiler.add_node(node)?;
    }
    let outputs = signature
        .outputs
        .iter()
        .map(|output| compiler.place(&output.name, "the graph's outputs"));
    let outputs = outputs.collect::<Result<Vec<_>, _>>()?;
    let program = compiler.finish(signature, &outputs, model.producer_name == "everloop");
    try_one_row(&program)?;
    Ok(program)
}

fn check_opsets(model: &ModelProto) -> Result<(), Error> {
    for opset in &model.opset_import {
        let domain = opset.domain.as_deref().unwrap_or_default();
        let is_known = match domain {
            "" | "ai.onnx" => OPSETS.contains(&opset.version),
            ML_DOMAIN => ML_OPSETS.contains(&opset.version),
            // Nodes of other domains are refused one by one.
            _ => true,
        };
        if !is_known {
            return Err(Error::Unsupported {
                operator: "operator set".to_owned(),
                node: domain.to_owned(),
                reason: format!("version {} has other operators", opset.version),
            });
        }
    }
    Ok(())
}

/// Columns are vectors: an input that is declared with another rank belongs to another kind of model.
fn check_rank(info: &ValueInfoProto) -> Result<(), Error> {
    let tensor = info
        .r#type
        .as_ref()
        .and_then(|r#type| r#type.tensor_type.as_ref());
    match tensor
        .and_then(|tensor| tensor.shape.as_ref())
        .map(|shape| shape.dim.len())
    {
        None | Some(1) => Ok(()),
        Some(rank) => Err(Error::Unsupported {
            operator: "input".to_owned(),
            node: info.name.clone(),
            reason: format!("it has rank {rank} instead of being a column"),
        }),
    }
}

impl<'a> Compiler<'a> {
    fn add_constants(&mut self, graph: &'a GraphProto) -> Result<(), Error> {
        for proto in &graph.initializer {
            let tensor = Tensor::from_proto(proto)
                .map_err(|problem| Error::Model(format!("constant `{}`: {problem}", proto.name)))?;
            self.define(&proto.name, Place::Constant(self.constants.len()))?;
            self.constants.push(tensor);
        }
        Ok(())
    }

    fn define(&mut self, name: &'a str, place: Place) -> Result<(), Error> {
        match self.places.insert(name, place) {
            None => Ok(()),
            Some(_) => Err(Error::Model(format!("`{name}` is defined twice"))),
        }
    }

    fn place(&self, name: &str, reader: &str) -> Result<Place, Error> {
        let unknown = || Error::Model(format!("{reader} read `{name}` before it is computed"));
        self.places.get(name).copied().ok_or_else(unknown)
    }

    fn add_node(&mut self, node: &'a NodeProto) -> Result<(), Error> {
        let names = names(node);
        let refuse = |reason: Problem| Error::Unsupported {
            operator: names.0.clone(),
            node: names.1.clone(),
            reason,
        };
        let reader = format!("node `{}`", names.1);
        let inputs = node.input.iter().map(|name| self.place(name, &reader));
        let mut inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let single = node.op_type == "TreeEnsembleRegressor" && self.skip_casts(&mut inputs);
        let operation = Operation::of(node, single).map_err(refuse)?;
        let output = match (&operation, node.output.as_slice()) {
            (Operation::Smallest, outputs @ ([_] | [_, _])) => {
                return self.add_smallest(inputs, names, outputs);
            }
            (_, [output]) => output,
            (_, outputs) => return Err(refuse(format!("it has {} outputs", outputs.len()))),
        };
        if let Some(constant) = self.fold(&operation, &inputs).map_err(refuse)? {
            self.define(output, Place::Constant(self.constants.len()))?;
            self.constants.push(constant);
            return Ok(());
        }
        self.define(output, Place::Step(self.drafts.len()))?;
        self.drafts.push(Draft {
            operation,
            inputs,
            names,
        });
        Ok(())
    }

    /// The places of the smallest elements, and then the elements there. `outputs` are the names of the elements and of
    /// the places; what nobody reads has an empty name, or, at the end, none.
    fn add_smallest(
        &mut self,
        inputs: Vec<Place>,
        names: (String, String),
        outputs: &'a [String],
    ) -> Result<(), Error> {
        let name = |at: usize| {
            let name = outputs.get(at).map(String::as_str);
            name.filter(|name| !name.is_empty())
        };
        let found = Place::Step(self.drafts.len());
        let at_places = inputs.iter().take(1).copied().chain([found]).collect();
        self.drafts.push(Draft {
            operation: Operation::Smallest,
            inputs,
            names: names.clone(),
        });
        if let Some(places) = name(1) {
            self.define(places, found)?;
        }
        if let Some(values) = name(0) {
            self.define(values, Place::Step(self.drafts.len()))?;
        }
        self.drafts.push(Draft {
            operation: Operation::AtPlaces,
            inputs: at_places,
            names,
        });
        Ok(())
    }

    /// Lets a tree ensemble read 32-bit floats where they are only cast to doubles for it, and says
    /// whether it does.
    fn skip_casts(&self, inputs: &mut [Place]) -> bool {
        let [input] = inputs else { return false };
        let cast_from = |place: Place, to: i32| match place {
            Place::Step(at) => self.drafts.get(at).and_then(|draft| match draft.operation {
                Operation::Cast(found) if found == to => draft.inputs.first().copied(),
                _ => None,
            }),
            _ => None,
        };
        let source = cast_from(*input, data_type::DOUBLE).unwrap_or(*input);
        let is_single = cast_from(source, data_type::FLOAT).is_some();
        if is_single {
            *input = source;
        }
        is_single
    }

    /// The result, if it is small and the same for all rows.
    fn fold(&self, operation: &Operation, inputs: &[Place]) -> Result<Option<Tensor>, Problem> {
        let constants = inputs.iter().map(|place| match place {
            Place::Constant(at) => self.constants.get(*at),
            _ => None,
        });
        let Some(constants) = constants
            .collect::<Option<Vec<_>>>()
            .filter(|found| !found.is_empty())
        else {
            return Ok(None);
        };
        if constants
            .iter()
            .any(|tensor| tensor.shape.n_elements() > MAX_FOLDED)
        {
            return Ok(None);
        }
        let result = operation.run(&constants)?;
        Ok((result.shape.n_elements() <= MAX_FOLDED).then_some(result))
    }

    fn finish(self, signature: Signature, outputs: &[Place], is_row_wise: bool) -> Program {
        let alive = self.alive(outputs);
        let (n_constants, n_inputs) = (self.constants.len(), signature.inputs.len());
        let mut new_places = HashMap::new();
        let slot = |place: Place, new_places: &HashMap<usize, usize>| match place {
            Place::Constant(at) => at,
            Place::Input(at) => n_constants + at,
            Place::Step(at) => {
                n_constants + n_inputs + new_places.get(&at).copied().unwrap_or_default()
            }
        };
        let mut steps = Vec::with_capacity(alive.len());
        for (at, draft) in self.drafts.into_iter().enumerate() {
            if alive.contains(&at) {
                let inputs = draft
                    .inputs
                    .iter()
                    .map(|&place| slot(place, &new_places))
                    .collect();
                new_places.insert(at, steps.len());
                steps.push(Step {
                    operation: draft.operation,
                    inputs,
                    done: Vec::new(),
                    names: draft.names,
                });
            }
        }
        let outputs: Vec<usize> = outputs
            .iter()
            .map(|&place| slot(place, &new_places))
            .collect();
        mark_last_readers(&mut steps, n_constants, &outputs);
        let schema = signature.output_schema();
        Program {
            signature,
            constants: self.constants,
            steps,
            outputs,
            schema,
            is_row_wise,
        }
    }

    /// The steps that the outputs need.
    fn alive(&self, outputs: &[Place]) -> HashSet<usize> {
        let mut alive = HashSet::new();
        let mut open: Vec<Place> = outputs.to_vec();
        while let Some(place) = open.pop() {
            if let Place::Step(at) = place
                && alive.insert(at)
            {
                open.extend(self.drafts[at].inputs.iter().copied());
            }
        }
        alive
    }
}

/// Tells each step which slots nobody reads after it.
pub(super) fn mark_last_readers(steps: &mut [Step], n_constants: usize, outputs: &[usize]) {
    let mut seen: HashSet<usize> = outputs.iter().copied().collect();
    for step in steps.iter_mut().rev() {
        for &slot in &step.inputs {
            if slot >= n_constants && seen.insert(slot) {
                step.done.push(slot);
            }
        }
    }
}

/// Runs the program on one row of stand-ins: element types and shapes that do not fit show now.
fn try_one_row(program: &Program) -> Result<(), Error> {
    let inputs = program
        .signature
        .inputs
        .iter()
        .map(|input| stand_in(input.kind))
        .collect();
    let results = program
        .evaluate(inputs, MAX_ROW_ELEMENTS)
        .map_err(|failure| {
            let (operator, node) = program.names(&failure);
            Error::Unsupported {
                operator: operator.to_owned(),
                node: node.to_owned(),
                reason: failure.problem,
            }
        })?;
    program
        .to_batch(results, 1)
        .map(|_| ())
        .map_err(Error::Model)
}

fn stand_in(kind: Kind) -> Tensor {
    let shape = Shape::vector(1);
    match kind {
        Kind::Integer => Tensor::new(vec![0_i64], shape),
        Kind::Number | Kind::Timestamp => Tensor::new(vec![0.0_f64], shape),
        Kind::Boolean => Tensor::new(vec![0_u8], shape),
        Kind::Text => Tensor {
            data: Data::Text(vec![""].into()),
            shape,
        },
    }
}

/// The operator with its domain, and the node's name or else its first output.
fn names(node: &NodeProto) -> (String, String) {
    let operator = if node.domain.is_empty() {
        node.op_type.clone()
    } else {
        format!("{}.{}", node.domain, node.op_type)
    };
    let name = if node.name.is_empty() {
        node.output.first().cloned().unwrap_or_default()
    } else {
        node.name.clone()
    };
    (operator, name)
}
