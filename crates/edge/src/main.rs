//! `everloop-edge MODEL`: rows of JSON on standard input, predictions on standard output.

use std::io::{BufReader, BufWriter, Write as _, stderr, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use everloop_edge::{Error, Model};

const USAGE: &str = "usage: everloop-edge MODEL < rows.jsonl > predictions.jsonl\n\nMODEL is an ONNX file that Everloop wrote, or a directory that holds `model.onnx`.\nRows are JSON objects, in one array or one a line; a column that is null or absent is missing.\n`everloop-edge MODEL --signature` prints what the model takes and gives.\n";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["--help" | "-h"] => {
            return say(&mut stdout(), USAGE, ExitCode::SUCCESS);
        }
        [model] if !model.starts_with('-') => predict(model),
        [model, "--signature"] => signature(model),
        _ => return say(&mut stderr(), USAGE, ExitCode::from(2)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => say(
            &mut stderr(),
            &format!("everloop-edge: {}\n", error.whole()),
            ExitCode::FAILURE,
        ),
    }
}

fn say(output: &mut impl std::io::Write, text: &str, exit: ExitCode) -> ExitCode {
    // Who has closed their end of it does not want to know.
    let _ = output.write_all(text.as_bytes());
    exit
}

fn predict(model: &str) -> Result<(), Error> {
    let model = Model::open(&PathBuf::from(model))?;
    let mut output = BufWriter::new(stdout().lock());
    model.predict(BufReader::new(stdin().lock()), &mut output)?;
    output.flush().map_err(|error| Error::Write(error.into()))
}

fn signature(model: &str) -> Result<(), Error> {
    let model = Model::open(&PathBuf::from(model))?;
    let signature = model.signature();
    let inputs = signature.inputs.iter();
    let inputs = inputs.map(|input| format!("input {}: {}\n", input.name, input.kind));
    let outputs = signature.outputs.iter();
    let outputs = outputs.map(|output| format!("output {}: {}\n", output.name, output.kind));
    let text: String = inputs.chain(outputs).collect();
    stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Error::Write(error.into()))
}
