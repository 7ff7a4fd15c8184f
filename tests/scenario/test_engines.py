"""Several engines at a time: which runs, and which serves a request."""

import json
import signal

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


def test_a_crowd_does_not_starve_one(launch, fake, fresh, engine):
    """What one asker has waiting, however much, stands behind each single one of another."""
    daemon = launch({f"engine.{engine}.workers": 1})
    gate = fake.hold(lambda request: request.path.startswith("/issues/"))
    crowd = [daemon.connect() for _ in range(20)]
    for number, connection in enumerate(crowd):
        connection.ask("GET", f"/issues/{number}.json", {"X-Redmine-API-Key": "crowd"})
    until(lambda: engines(daemon)[engine]["queued"] == 19, "all but one wait")
    with daemon.connect() as one:
        one.ask("GET", "/projects.json", {"X-Redmine-API-Key": "one"})
        until(lambda: engines(daemon)[engine]["queued"] == 20, "the one waits, too")
        gate.open()
        assert one.answer().status < 500
    for connection in crowd:
        assert connection.answer().status < 500
        connection.close()
    order = [request.target for request in fake.seen()]
    assert order.index("/projects.json") in (1, 2)


def test_the_ceiling_is_over_all_engines(launch, fake, engine):
    other = "async" if engine != "async" else "thread"
    daemon = launch({"engine.ceiling": 3, f"engine.{engine}.workers": 2 if engine != "sync" else 1})
    daemon.stop()
    daemon.configure({f"engine.{other}.workers": 3})
    daemon.start()
    gate = fake.hold(lambda request: request.path.startswith("/issues/"))
    crowd = [daemon.connect() for _ in range(10)]
    for number, connection in enumerate(crowd):
        name = engine if number % 2 else other
        connection.ask("GET", f"/issues/{number}.json", {"Redmine-Cached-Engine": name})
    until(lambda: sum(row["queued"] for row in engines(daemon).values()) == 7, "all but three wait")
    gate.arrived(3)
    assert len(fake.seen()) == 3
    gate.open()
    for connection in crowd:
        assert connection.answer().status < 500
        connection.close()


def test_what_waits_is_answered_before_the_end(launch, fake, engine):
    """SIGTERM: what runs and what waits for its turn is finished, one at a time where there is one worker."""
    daemon = launch({f"engine.{engine}.workers": 1})
    gate = fake.hold(lambda request: request.path.startswith("/issues/"))
    crowd = [daemon.connect() for _ in range(6)]
    for number, connection in enumerate(crowd):
        connection.ask("GET", f"/issues/{number}.json")
    until(lambda: engines(daemon)[engine]["queued"] == 5, "all but one wait")
    gate.arrived(1)
    assert len(fake.seen()) == 1
    daemon.signal(signal.SIGTERM)
    daemon.logged("stopping")
    gate.open()
    for connection in crowd:
        assert connection.answer().status in (200, 404)
        connection.close()
    assert daemon.ended() == 0
    assert len(fake.seen()) == 6
