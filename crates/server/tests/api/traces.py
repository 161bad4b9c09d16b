"""Tracing and prompts with MLflow's client, against Everloop's server: traces.py URL"""
import logging
import os
import sys
import tempfile
import time
import warnings

warnings.simplefilter("ignore")
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_TRACKING_URI"] = sys.argv[1]
import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource, Feedback, SpanType, TraceState
from mlflow.exceptions import MlflowException

logging.getLogger("mlflow").setLevel(logging.ERROR)
os.chdir(tempfile.mkdtemp())
c = MlflowClient()
experiment = mlflow.set_experiment("traces").experiment_id


@mlflow.trace(span_type=SpanType.TOOL, attributes={"model": "big", "n": 3})
def retrieve(question):
    return [question.upper(), {"score": 0.5}]


@mlflow.trace(name="agent", span_type=SpanType.AGENT)
def answer(question, fail=False):
    found = retrieve(question)
    with mlflow.start_span("judge") as span:
        span.set_inputs({"found": found})
        span.set_attribute("nested", {"deep": [1, 2.5, None, True, "ä\x00ö"]})
        span.add_event(mlflow.entities.SpanEvent("seen", attributes={"k": "v"}))
    if fail:
        raise ValueError("broken")
    mlflow.update_current_trace(tags={"team": "red"}, client_request_id="req-1", metadata={"mlflow.trace.session": "s1"})
    return found[0]


with mlflow.start_run() as run:
    answer("hello")
first = mlflow.get_last_active_trace_id()
try:
    answer("again", fail=True)
except ValueError:
    pass
second = mlflow.get_last_active_trace_id()
mlflow.flush_trace_async_logging()

trace = mlflow.get_trace(first)
assert trace.info.state == TraceState.OK and trace.info.client_request_id == "req-1", trace.info
assert trace.info.tags["team"] == "red" and trace.info.tags["mlflow.traceName"] == "agent", trace.info.tags
assert trace.info.tags["mlflow.trace.spansLocation"] == "TRACKING_STORE", trace.info.tags
assert trace.info.trace_metadata["mlflow.sourceRun"] == run.info.run_id
assert trace.info.execution_duration is not None and "hello" in trace.info.request_preview
root, tool, judge = trace.data.spans
assert (root.name, tool.name, judge.name) == ("agent", "retrieve", "judge"), trace.data.spans
assert root.parent_id is None and tool.parent_id == root.span_id == judge.parent_id
assert root.inputs == {"question": "hello", "fail": False} and root.outputs == "HELLO"
assert tool.span_type == "TOOL" and tool.outputs == ["HELLO", {"score": 0.5}]
assert (tool.attributes["model"], tool.attributes["n"]) == ("big", 3)
assert judge.attributes["nested"] == {"deep": [1, 2.5, None, True, "ä\ufffdö"]}, judge.attributes
assert judge.events[0].name == "seen" and judge.events[0].attributes == {"k": "v"}
failed = mlflow.get_trace(second)
assert failed.info.state == TraceState.ERROR and failed.data.spans[0].status.status_code.value == "ERROR"
assert failed.data.spans[0].events[0].name == "exception"


def found(filter_string=None, **more):
    traces = mlflow.search_traces(
        locations=[experiment], filter_string=filter_string, return_type="list", **more
    )
    return [{first: 1, second: 2}[t.info.trace_id] for t in traces]


assert found() == [2, 1]
assert found(order_by=["timestamp_ms ASC"]) == [1, 2]
assert found(max_results=1) == [2]
for wanted, filter_string in [
    ([1], "status = 'OK'"),
    ([2], "trace.status = 'ERROR'"),
    ([2, 1], "name = 'agent'"),
    ([1], "tags.team = 'red'"),
    ([2], "tags.team IS NULL"),
    ([1], "client_request_id = 'req-1'"),
    ([1], f"run_id = '{run.info.run_id}'"),
    ([1], "metadata.`mlflow.trace.session` = 's1'"),
    ([1], f"timestamp_ms <= {trace.info.request_time} AND end_time_ms > 0"),
    ([2, 1], "span.type = 'TOOL' AND span.name = 'retrieve'"),
    ([], "span.type = 'TOOL' AND span.name = 'judge'"),
    ([2, 1], "span.attributes.model LIKE 'b%'"),
    ([2], "span.status = 'ERROR'"),
    ([1], "trace.text LIKE '%HELLO%'"),
    ([2], "name RLIKE '^ag' AND request_id != '" + first + "'"),
]:
    assert found(filter_string) == wanted, (filter_string, found(filter_string))
pages = c.search_traces(locations=[experiment], max_results=1)
assert len(pages) == 1 and pages.token
pages = c.search_traces(locations=[experiment], max_results=1, page_token=pages.token)
assert len(pages) == 1 and not pages.token
assert len(mlflow.search_traces(locations=[experiment])) == 2
try:
    found("bogus = 1")
    raise SystemExit("a wrong filter was ignored")
except MlflowException as error:
    assert "Invalid attribute key 'bogus'" in str(error), error

c.set_trace_tag(second, "team", "blue")
assert found("tags.team = 'blue'") == [2]
c.delete_trace_tag(second, "team")
assert found("tags.team = 'blue'") == []
try:
    c.delete_trace_tag(second, "team")
    raise SystemExit("an absent tag was deleted")
except MlflowException as error:
    assert error.error_code == "RESOURCE_DOES_NOT_EXIST", error

human = AssessmentSource(source_type="HUMAN", source_id="ada")
feedback = mlflow.log_feedback(
    trace_id=first, name="correct", value=True, rationale="it is", source=human, metadata={"k": "1"}, span_id=tool.span_id
)
assert feedback.assessment_id and feedback.valid and feedback.source.source_id == "ada", feedback
mlflow.log_feedback(trace_id=first, name="score", value=0.75)
mlflow.log_feedback(trace_id=first, name="judged", error=ValueError("no answer"))
expected = mlflow.log_expectation(trace_id=first, name="answer", value={"text": ["a", 1]}, source=human)
assert mlflow.get_assessment(first, expected.assessment_id).value == {"text": ["a", 1]}
for wanted, filter_string in [
    ([1], "feedback.correct = 'true'"),
    ([], "feedback.correct = 'false'"),
    ([1], "feedback.score > 0.7"),
    ([], "feedback.score > 0.8"),
    ([2], "feedback.score IS NULL"),
    ([1], "expectation.answer IS NOT NULL"),
]:
    assert found(filter_string) == wanted, (filter_string, found(filter_string))
mlflow.update_assessment(
    trace_id=first,
    assessment_id=feedback.assessment_id,
    assessment=Feedback(name="correct", value=False, rationale="it is not", metadata={"l": "2"}),
)
updated = mlflow.get_assessment(first, feedback.assessment_id)
assert (updated.value, updated.rationale, updated.span_id) == (False, "it is not", tool.span_id), updated
assert updated.metadata == {"k": "1", "l": "2"} and updated.source.source_id == "ada", updated
override = mlflow.override_feedback(
    trace_id=first, assessment_id=feedback.assessment_id, value="partly", source=human
)
assert mlflow.get_assessment(first, feedback.assessment_id).valid is False
assert override.overrides == feedback.assessment_id
mlflow.delete_assessment(first, override.assessment_id)
assert mlflow.get_assessment(first, feedback.assessment_id).valid is True
names = {a.name: a for a in mlflow.get_trace(first).info.assessments}
assert set(names) == {"correct", "score", "judged", "answer"}, names
assert names["judged"].error.error_message == "no answer" and names["score"].value == 0.75
try:
    mlflow.log_feedback(trace_id="tr-" + "0" * 32, name="x", value=1)
    raise SystemExit("an absent trace was assessed")
except MlflowException as error:
    assert error.error_code == "RESOURCE_DOES_NOT_EXIST", error

with mlflow.start_run() as other:
    c.link_traces_to_run([second], other.info.run_id)
assert found(f"run_id = '{other.info.run_id}'") == [2]

# Prompts are registered models with tags.
p1 = mlflow.genai.register_prompt("greet", "Hello {{name}}", commit_message="one", tags={"task": "qa"})
p2 = mlflow.genai.register_prompt("greet", [{"role": "user", "content": "Hi {{name}}"}])
assert (p1.version, p2.version) == (1, 2)
mlflow.genai.set_prompt_alias("greet", "best", 1)
for uri in ["prompts:/greet/1", "prompts:/greet@best"]:
    loaded = mlflow.genai.load_prompt(uri)
    assert loaded.template == "Hello {{name}}" and loaded.format(name="Ada") == "Hello Ada", loaded
assert mlflow.genai.load_prompt("prompts:/greet@latest").template == [{"role": "user", "content": "Hi {{name}}"}]
assert [p.name for p in mlflow.genai.search_prompts()] == ["greet"]
assert [p.name for p in mlflow.genai.search_prompts("name = 'none'")] == []
assert mlflow.search_registered_models() == [], "prompts are no models to whom nobody asks"
mlflow.genai.set_prompt_tag("greet", "owner", "ada")
assert mlflow.genai.get_prompt_tags("greet")["owner"] == "ada"
mlflow.genai.set_prompt_version_tag("greet", 1, "checked", "yes")
assert mlflow.genai.load_prompt("prompts:/greet/1").tags["checked"] == "yes"
mlflow.genai.delete_prompt_alias("greet", "best")


@mlflow.trace
def greeted():
    return mlflow.genai.load_prompt("prompts:/greet/1").format(name="Bo")


greeted()
third = mlflow.get_last_active_trace_id()
mlflow.flush_trace_async_logging()
for _ in range(50):
    linked = c.search_traces(locations=[experiment], filter_string="prompt = 'greet/1'")
    if linked:
        break
    time.sleep(0.1)
assert [t.info.trace_id for t in linked] == [third], linked

# Evaluation traces what it asks.
mlflow.sklearn.autolog(disable=True)


@mlflow.trace
def double(frame):
    return frame["x"] * 2


frame = pd.DataFrame({"x": [1.0, 2.0], "y": [2.0, 4.0]})
with mlflow.start_run() as run:
    result = mlflow.models.evaluate(
        double, frame, targets="y", model_type="regressor", evaluator_config={"log_explainer": False}
    )
assert result.metrics["mean_absolute_error"] == 0, result.metrics
mlflow.flush_trace_async_logging()


def exact(outputs, expectations):
    return outputs == expectations["out"]


report = mlflow.genai.evaluate(
    data=[{"inputs": {"question": "a"}, "expectations": {"out": "A"}}],
    predict_fn=lambda question: answer(question),
    scorers=[mlflow.genai.scorer(exact)],
)
assert report.metrics["exact/mean"] == 1.0, report.metrics
mlflow.flush_trace_async_logging()
traced = mlflow.search_traces(run_id=report.run_id, return_type="list")
assert len(traced) == 1 and {a.name for a in traced[0].info.assessments} == {"exact", "out"}, traced

# What clients of MLflow 2 say: a trace begins, and ends.
store = c._tracking_client.store
old = store.deprecated_start_trace_v2(experiment, 1000, {"m": "1"}, {"mlflow.traceName": "old"})
assert old.status == "IN_PROGRESS" and old.request_metadata == {"m": "1"}, old
store.deprecated_end_trace_v2(old.request_id, 1500, mlflow.entities.trace_status.TraceStatus.OK, {"n": "2"}, {"t": "3"})
ended = c._tracing_client.get_trace_info(old.request_id)
assert (ended.state, ended.execution_duration, ended.request_time) == (TraceState.OK, 500, 1000), ended
assert {"m": "1", "n": "2"}.items() <= ended.trace_metadata.items() and ended.tags["t"] == "3", ended

assert c.delete_traces(experiment, trace_ids=[first]) == 1
try:
    mlflow.MlflowClient().get_trace(first)
    raise SystemExit("a deleted trace was found")
except MlflowException as error:
    assert error.error_code == "RESOURCE_DOES_NOT_EXIST", error
assert c.delete_traces(experiment, max_timestamp_millis=int(time.time() * 1000) + 9, max_traces=1) == 1
assert c.delete_traces(experiment, max_timestamp_millis=int(time.time() * 1000) + 9) >= 1
assert c.search_traces(locations=[experiment]) == []
print("ok")
