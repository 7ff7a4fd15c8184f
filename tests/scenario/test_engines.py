"""Several engines at a time: which runs, and which serves a request."""

import json

from daemon import until

OPTIONS = {"engine.sync.workers": "auto", "engine.async.workers": 3}


def engines(daemon):
    return {row["name"]: row for row in json.loads(daemon.get("/-/status.json").text)["engines"]}


def worked(before, after):
    return {name for name in after if after[name]["done"] != before[name]["done"]}


def test_every_configured_engine_runs(daemon, engine):
    assert set(engines(daemon)) == {engine, "sync", "async"}
    assert json.loads(daemon.get("/-/status.json").text)["engine"]["name"] == engine


def test_a_request_chooses(daemon, fake, fresh, engine):
    for name in engines(daemon):
        before = engines(daemon)
        answer = daemon.get(fresh(), {"Redmine-Cached-Engine": name})
        assert answer.status == 200
        until(lambda name=name: worked(before, engines(daemon)) == {name}, f"{name} served it, alone")
        assert fake.last().get("Redmine-Cached-Engine") is None


def test_a_write_chooses(daemon, fake):
    before = engines(daemon)
    answer = daemon.request(
        "POST", "/issues.json", {"Redmine-Cached-Engine": "async", "Content-Type": "application/json"}, b"{}"
    )
    assert answer.status < 500
    until(lambda: worked(before, engines(daemon)) == {"async"}, "async served it, alone")
    assert len(fake.seen(method="POST")) == 1


def test_what_one_engine_fetched_another_serves(daemon, fresh):
    target = fresh()
    assert not daemon.get(target, {"Redmine-Cached-Engine": "async"}).hit
    assert daemon.get(target, {"Redmine-Cached-Engine": "sync"}).hit


def test_an_engine_that_does_not_run(daemon, fake, fresh, engine):
    for fields in (
        {"Redmine-Cached-Engine": "tread"},
        {"Redmine-Cached-Engine": ""},
        [("Redmine-Cached-Engine", "sync"), ("Redmine-Cached-Engine", "async")],
    ):
        answer = daemon.get(fresh(), fields)
        assert answer.status == 400
        text = json.loads(answer.text)["errors"][0]
        assert "Redmine-Cached-Engine" in text and "sync" in text and "async" in text and engine in text
    assert not fake.seen()
