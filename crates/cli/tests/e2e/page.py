"""MLflow's own page on our server, in a browser: what a person does with runs, and nothing that fails.

page.py SERVER CHROMIUM
"""

import json
import logging
import os
import sys
import urllib.parse
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.INFO)
import mlflow
import numpy as np
from playwright.sync_api import expect, sync_playwright
from sklearn.linear_model import LinearRegression

url, chromium = sys.argv[1:]
mlflow.set_tracking_uri(url)
experiment = mlflow.set_experiment("bikes").experiment_id
ids = {}
for name, end in [("slow", 0.9), ("fast", 0.2)]:
    with mlflow.start_run(run_name=name) as run:
        mlflow.log_param("lr", end)
        for step in range(30):
            mlflow.log_metric("loss", 1 - (1 - end) * step / 29, step=step)
        mlflow.log_text("hello from the run", "notes/a.txt")
    ids[name] = run.info.run_id
x = np.arange(4.0).reshape(-1, 1)
with mlflow.start_run(run_name="model"):
    mlflow.sklearn.log_model(
        LinearRegression().fit(x, x[:, 0]),
        name="model",
        registered_model_name="Bikes",
        serialization_format="cloudpickle",
    )

failed = []
with sync_playwright() as playwright:
    # In a container the browser runs as root, where its sandbox does not work.
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)

    def answered(answer):
        if answer.status >= 400:
            failed.append(f"{answer.status} {answer.request.method} {answer.url}")

    page.on("response", answered)
    def broke_off(request):
        # Going to another page ends what the last one still asked for.
        if request.failure != "net::ERR_ABORTED":
            failed.append(f"{request.failure} {request.method} {request.url}")

    page.on("requestfailed", broke_off)
    page.on("pageerror", lambda error: failed.append(f"error: {error}"))
    page.on("console", lambda said: failed.append(f"console: {said.text}") if said.type == "error" else None)

    page.goto(f"{url}/#/experiments")
    expect(page.get_by_role("link", name="bikes")).to_be_visible()

    page.goto(f"{url}/#/experiments/{experiment}/runs")
    for name in ["slow", "fast", "model"]:
        expect(page.get_by_role("link", name=name, exact=True).first).to_be_visible()

    # Filter.
    search = page.get_by_placeholder("metrics.rmse", exact=False)
    search.fill("metrics.loss < 0.5")
    search.press("Enter")
    expect(page.get_by_role("link", name="slow", exact=True)).to_have_count(0)
    expect(page.get_by_role("link", name="fast", exact=True).first).to_be_visible()

    # Sort, the greatest first; without an order the last run would be the first.
    search.fill("")
    search.press("Enter")
    page.get_by_role("button", name="Sort: Created").click()

    def by_loss(answer):
        return "runs/search" in answer.url and "loss" in (answer.request.post_data or "")

    with page.expect_response(by_loss) as searched:
        page.get_by_text("loss", exact=True).last.click()
    names = [run["info"]["run_name"] for run in searched.value.json()["runs"]]
    assert names == ["slow", "fast", "model"], names

    # Compare two.
    both = json.dumps([ids["slow"], ids["fast"]])
    query = urllib.parse.urlencode({"runs": both, "experiments": json.dumps([experiment])})
    page.goto(f"{url}/#/compare-runs?{query}")
    expect(page.get_by_text("Comparing 2 Runs", exact=False).first).to_be_visible()
    expect(page.get_by_text("lr", exact=True).first).to_be_visible()

    # A chart of a metric.
    with page.expect_response(lambda answer: "get-history-bulk-interval" in answer.url or "graphql" in answer.url):
        page.goto(f"{url}/#/experiments/{experiment}/runs/{ids['fast']}/model-metrics")
    expect(page.locator(".js-plotly-plot").first).to_be_visible()

    # An artifact.
    page.goto(f"{url}/#/experiments/{experiment}/runs/{ids['fast']}/artifacts/notes/a.txt")
    expect(page.get_by_text("hello from the run").first).to_be_visible()

    # A version of a model.
    page.goto(f"{url}/#/models/Bikes/versions/1")
    expect(page.get_by_text("Version 1", exact=False).first).to_be_visible()
    page.wait_for_timeout(500)
    browser.close()

assert not failed, "\n".join(failed)
print("ok")
