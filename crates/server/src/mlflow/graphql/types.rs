//! The types of MLflow's GraphQL schema, as far as its page asks for their names.

/// A field that holds objects: the type that has it, its name, the type of the objects, whether they are a list.
const FIELDS: &[(&str, &str, &str, bool)] = &[
    ("Query", "mlflowGetRun", "MlflowGetRunResponse", false),
    (
        "Query",
        "mlflowGetExperiment",
        "MlflowGetExperimentResponse",
        false,
    ),
    (
        "Query",
        "mlflowGetMetricHistoryBulkInterval",
        "MlflowGetMetricHistoryBulkIntervalResponse",
        false,
    ),
    (
        "Query",
        "mlflowListArtifacts",
        "MlflowListArtifactsResponse",
        false,
    ),
    (
        "Query",
        "mlflowSearchModelVersions",
        "MlflowSearchModelVersionsResponse",
        false,
    ),
    (
        "Query",
        "mlflowSearchRuns",
        "MlflowSearchRunsResponse",
        false,
    ),
    (
        "Query",
        "mlflowSearchDatasets",
        "MlflowSearchDatasetsResponse",
        false,
    ),
    ("MlflowGetRunResponse", "run", "MlflowRunExtension", false),
    (
        "MlflowSearchRunsResponse",
        "runs",
        "MlflowRunExtension",
        true,
    ),
    ("MlflowRunExtension", "info", "MlflowRunInfo", false),
    ("MlflowRunExtension", "data", "MlflowRunData", false),
    (
        "MlflowRunExtension",
        "experiment",
        "MlflowExperiment",
        false,
    ),
    ("MlflowRunExtension", "inputs", "MlflowRunInputs", false),
    ("MlflowRunExtension", "outputs", "MlflowRunOutputs", false),
    (
        "MlflowRunExtension",
        "modelVersions",
        "MlflowModelVersion",
        true,
    ),
    ("MlflowRunData", "metrics", "MlflowMetricExtension", true),
    ("MlflowRunData", "params", "MlflowParam", true),
    ("MlflowRunData", "tags", "MlflowRunTag", true),
    (
        "MlflowRunInputs",
        "datasetInputs",
        "MlflowDatasetInput",
        true,
    ),
    ("MlflowRunInputs", "modelInputs", "MlflowModelInput", true),
    ("MlflowDatasetInput", "dataset", "MlflowDataset", false),
    ("MlflowDatasetInput", "tags", "MlflowInputTag", true),
    (
        "MlflowRunOutputs",
        "modelOutputs",
        "MlflowModelOutput",
        true,
    ),
    (
        "MlflowGetExperimentResponse",
        "experiment",
        "MlflowExperiment",
        false,
    ),
    ("MlflowExperiment", "tags", "MlflowExperimentTag", true),
    (
        "MlflowSearchModelVersionsResponse",
        "modelVersions",
        "MlflowModelVersion",
        true,
    ),
    ("MlflowModelVersion", "tags", "MlflowModelVersionTag", true),
    (
        "MlflowModelVersion",
        "modelParams",
        "MlflowModelParam",
        true,
    ),
    (
        "MlflowModelVersion",
        "modelMetrics",
        "MlflowModelMetric",
        true,
    ),
    (
        "MlflowListArtifactsResponse",
        "files",
        "MlflowFileInfo",
        true,
    ),
    (
        "MlflowGetMetricHistoryBulkIntervalResponse",
        "metrics",
        "MlflowMetricWithRunId",
        true,
    ),
    (
        "MlflowSearchDatasetsResponse",
        "datasetSummaries",
        "MlflowDatasetSummary",
        true,
    ),
];

/// The type of the objects in a field, and whether they are a list. What the page never asks for has no name.
pub(super) fn of_field(parent: &str, field: &str) -> (&'static str, bool) {
    if field == "apiError" {
        return ("ApiError", false);
    }
    FIELDS
        .iter()
        .find(|(of, name, ..)| *of == parent && *name == field)
        .map_or(("", false), |(.., kind, is_list)| (kind, *is_list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_one_name_differ_by_their_parents() {
        assert_eq!(of_field("MlflowRunData", "tags"), ("MlflowRunTag", true));
        assert_eq!(
            of_field("MlflowExperiment", "tags"),
            ("MlflowExperimentTag", true)
        );
        assert_eq!(
            of_field("MlflowRunExtension", "apiError"),
            ("ApiError", false)
        );
        assert_eq!(of_field("MlflowRunInfo", "status"), ("", false));
    }

    #[test]
    fn every_type_is_reached_from_the_root() {
        for (parent, ..) in FIELDS {
            let is_reached =
                *parent == "Query" || FIELDS.iter().any(|(.., kind, _)| kind == parent);
            assert!(is_reached, "{parent}");
        }
    }
}
