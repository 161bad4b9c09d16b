//! The codes of diagnostics: stable, each with one line of explanation.
//!
//! `E` stops; `W` does not. A code is never given another meaning.

/// Declares the codes as constants and as a table.
macro_rules! codes {
    ($($name:ident = $code:literal, $explanation:literal;)+) => {
        $(#[doc = $explanation] pub const $name: &str = $code;)+

        pub(crate) const ALL: &[(&str, &str)] = &[$(($code, $explanation)),+];
    };
}

codes! {
    YAML_SYNTAX = "E0101", "the text is not YAML";
    YAML_FEATURE = "E0102", "the text uses a part of YAML that lifecycle files do without: anchors, aliases, tags, several documents, keys that are not text";
    TOO_LARGE = "E0103", "the text is too long or nests too deeply";
    DUPLICATE_KEY = "E0104", "a key is given twice";
    UNKNOWN_KEY = "E0201", "the key does not exist in this place";
    WRONG_TYPE = "E0202", "the value is of another type than the key takes";
    MISSING_KEY = "E0203", "a key that must be given is not";
    UNKNOWN_VALUE = "E0204", "the value is not one of those that the key takes";
    OUT_OF_RANGE = "E0205", "the number is too small or too large";
    INVALID_VALUE = "E0206", "the text is not of the form that the key takes: a duration, a percentage, a name, a pattern";
    BAD_VERSION = "E0207", "the version of the file is not one that this program reads";
    UNSUPPORTED_SOURCE = "E0208", "the kind of source cannot be read in this release";
    BAD_OVERRIDE = "E0209", "an override by `--set` cannot be applied";
    EXPRESSION_SYNTAX = "E0210", "the text is not an expression";
    BAD_SCHEDULE = "E0211", "the schedule is not a cron expression, or never comes due";
    UNKNOWN_TABLE = "E0301", "no source and no earlier step makes the table";
    DUPLICATE_TABLE = "E0302", "two sources or steps make the same table";
    CYCLIC_TABLES = "E0303", "a table is made from itself, or from a table that is made later";
    IMPOSSIBLE_SPLIT = "E0304", "rows cannot be divided in this way";
    UNKNOWN_METRIC = "E0305", "the name in a gate or condition is not a metric or a measured value";
    UNSUITABLE_METRIC = "E0306", "the metric does not suit the task, or what it needs is not set";
    MISSING_COLUMN = "E0307", "the table has no such column";
    UNSUITABLE_TRAINER = "E0308", "the trainer does not suit the task";
    TRAINER_OR_COMMAND = "E0309", "training needs either `trainer` or `run`";
    CYCLIC_FEATURES = "E0310", "features are computed from each other in a circle";
    FEATURE_NAME = "E0311", "the feature has the name of a column";
    UNKNOWN_FUNCTION = "E0312", "the function does not exist, or takes another number of arguments";
    TRAINER_PARAMETER = "E0313", "the trainer does not take the parameter, or not this value";
    SOURCE_UNREADABLE = "E0314", "the source cannot be read";
    SQL_INVALID = "E0315", "the query cannot be planned";
    CONTRADICTION = "E0316", "two values exclude each other";
    TARGET_LEAK = "E0317", "a feature is computed from the target";
    NOT_A_CONDITION = "E0318", "the expression is not a condition that holds or does not hold";
    NOT_AN_INPUT = "E0319", "the column is not an input of the model";
    MISSING_VARIABLE = "E0501", "a template of a `dvc.yaml` refers to a variable that does not exist";
    TEMPLATE_SYNTAX = "E0502", "what stands between `${` and `}` is not a path of a variable";
    TEMPLATE_KIND = "E0503", "the variable is a list or a map, which cannot stand in this place";
    VARIABLES = "E0504", "variables of `vars` are set twice, reserved or not plain";
    VARIABLES_FILE = "E0505", "a file of `vars` does not exist, cannot be read or lacks a key";
    GROUP = "E0506", "`foreach` or `matrix` is not given what stages can be made for";
    DUPLICATE_OUTPUT = "E0507", "two stages make the same path";
    OVERLAPPING_OUTPUTS = "E0508", "an output lies in the directory of another, or holds the `dvc.yaml` itself";
    CYCLIC_STAGES = "E0509", "stages depend on each other in a circle";
    BAD_LOCK = "E0510", "the `dvc.lock` is not of the form that DVC and everloop write";
    NOT_CARRIED_OUT = "W0401", "the key is read and checked, but this release does not carry it out";
    WITHOUT_EFFECT = "W0402", "the key has no effect here";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_explained() {
        for (index, (code, explanation)) in ALL.iter().enumerate() {
            assert!(code.starts_with(['E', 'W']) && code.len() == 5, "{code}");
            assert!(
                !explanation.is_empty() && !explanation.ends_with('.'),
                "{code}"
            );
            assert!(
                ALL[..index].iter().all(|(earlier, _)| earlier < code),
                "{code}"
            );
        }
    }
}
