"""Changes made elsewhere are noticed by looking at Redmine with a session's eyes."""

import collections
import json

import pytest

from daemon import until
from fake_redmine import settled
from redmine_model import ADMIN_KEY, MANAGER_KEY
from test_events import Listener

ADMIN = [("X-Redmine-API-Key", ADMIN_KEY)]
MANAGER = [("X-Redmine-API-Key", MANAGER_KEY)]


@pytest.fixture
def watching(launch, fake, tmp_path):
    """A function: a daemon that watches, after its first looks. Somebody has read an issue, so that it goes on."""

    def start(**options):
        key = tmp_path / "key"
        key.write_text(ADMIN_KEY)
        key.chmod(0o600)
        daemon = launch(
            {
                "watch.session": "eyes",
                "watch.interval": "100ms",
                "session.eyes.key_file": key,
                "lifetime.issues": "1h",
                "lifetime.issue": "1h",
                "lifetime.projects": "1h",
                "lifetime.time_entries": "1h",
                "lifetime.news": "1h",
                **options,
            }
        )
        daemon.get("/issues/1.json", ADMIN)
        rounds(fake, 2)
        return daemon

    return start


def is_round(request):
    return request.path == "/issues.json" and "sort=updated_on" in request.query and request.query.endswith("offset=0")


LISTS = {"/issues.json", "/time_entries.json", "/projects.json"}


def is_look(request):
    """One of the watcher's: nobody else asks in these words."""
    return is_round(request) or request.target in ("/time_entries.json?sort=created_on%3Adesc&limit=25", "/projects.json?f%5B%5D=&limit=100")


def rounds(fake, count):
    """Wait for so many more rounds to begin."""
    fake.wait_seen(is_round, len(fake.seen(is_round)) + count)


def edit(fake, number, **values):
    with fake.model.lock:
        fake.model.issues[number].update(values)


def hit(daemon, target, fields=()):
    return daemon.get(target, fields).hit


def keep(daemon, targets, fields=MANAGER):
    for target in targets:
        daemon.get(target, fields)
    assert all(hit(daemon, target, fields) for target in targets)


def test_edited_issue_is_dropped_and_others_stay(watching, fake):
    daemon = watching()
    keep(daemon, ["/issues/3.json", "/issues/03.xml", "/issues.json", "/issues/4.json", "/projects.json"])
    edit(fake, 3, subject="edited elsewhere", updated_on="2024-05-01T00:00:00Z")
    until(lambda: "edited elsewhere" in daemon.get("/issues/3.json", MANAGER).text, "the edit shows")
    assert not hit(daemon, "/issues.json", MANAGER)
    assert hit(daemon, "/issues/4.json", MANAGER) and hit(daemon, "/projects.json", MANAGER)


def test_few_changes_cost_no_second_request(watching, fake):
    """Two minutes after the last change there is one row, and what is new in it may not be all."""
    edit(fake, 20, updated_on="2024-05-01T00:00:00Z")
    daemon = watching()
    keep(daemon, ["/issues/3.json", "/issues/4.json"])
    for number in (3, 4):
        edit(fake, number, subject="edited elsewhere", updated_on=f"2024-05-01T00:00:0{number}Z")
        until(lambda number=number: "edited" in daemon.get(f"/issues/{number}.json", MANAGER).text, "the edit shows")
    assert not fake.seen(lambda request: "sort=updated_on" in request.query and not is_round(request))
    daemon.advance(125_000)
    fake.wait_seen(lambda request: is_round(request) and "limit=1&" in request.query, 2)
    edit(fake, 5, updated_on="2024-05-02T00:00:00Z")
    fake.wait_seen(lambda request: "limit=10&offset=1" in request.query)


def test_edit_that_does_not_move_the_time(watching, fake):
    """As happens within one second."""
    daemon = watching()
    edit(fake, 3, subject="first", updated_on="2024-05-01T00:00:00Z")
    until(lambda: "first" in daemon.get("/issues/3.json", MANAGER).text, "the first edit shows")
    rounds(fake, 2)
    edit(fake, 3, subject="second")
    until(lambda: "second" in daemon.get("/issues/3.json", MANAGER).text, "the second edit shows")


def test_edit_that_was_committed_late(watching, fake):
    """By less than ten seconds: each look goes back so far."""
    daemon = watching()
    edit(fake, 5, updated_on="2024-05-01T00:01:00Z")
    rounds(fake, 2)
    keep(daemon, ["/issues/6.json"])
    edit(fake, 6, subject="late", updated_on="2024-05-01T00:00:52Z")
    until(lambda: "late" in daemon.get("/issues/6.json", MANAGER).text, "a change that is older than the newest")


def test_edit_that_was_committed_very_late(watching, fake):
    """As long as a minute: a look every nine seconds goes back so far, the others have fewer rows."""
    for number in range(1, 9):
        edit(fake, number, updated_on=f"2024-05-01T00:00:1{number}Z")
    edit(fake, 20, updated_on="2024-05-01T00:01:00Z")
    daemon = watching()
    keep(daemon, ["/issues/6.json"])
    fake.wait_seen(lambda request: is_round(request) and "limit=6&" in request.query, 2)
    edit(fake, 6, subject="late", updated_on="2024-05-01T00:00:06Z")
    rounds(fake, 2)
    daemon.advance(10_000)
    until(lambda: "late" in daemon.get("/issues/6.json", MANAGER).text, "a change that is much older than the newest")
    assert fake.seen(lambda request: is_round(request) and "limit=14&" in request.query)


@pytest.mark.workers(2)
@pytest.mark.parametrize("path", ["/time_entries.json", "/projects.json"])
def test_slow_look_holds_up_no_other(watching, fake, path):
    daemon = watching()
    keep(daemon, ["/issues/3.json"])
    with fake.hold(lambda request: is_look(request) and request.path == path) as gate:
        gate.arrived()
        edit(fake, 3, subject="edited elsewhere", updated_on="2024-05-01T00:00:00Z")
        until(lambda: "edited elsewhere" in daemon.get("/issues/3.json", MANAGER).text, "the edit shows")


def test_looks_go_before_what_waits(watching, fake, engine):
    """What is served from the cache hangs on them."""
    daemon = watching(**{f"engine.{engine}.workers": 1})

    def queued():
        rows = json.loads(daemon.get("/-/status.json").text)["engines"]
        return next(row["queued"] for row in rows if row["name"] == engine)

    gate = fake.hold(lambda request: request.path.startswith("/issues/"))
    crowd = [daemon.connect().ask("GET", f"/issues/{number}.json", MANAGER) for number in range(1, 13)]
    gate.arrived()
    until(lambda: queued() == 14, "the rest and three looks wait")
    begun = len(fake.seen())
    gate.open()
    for connection in crowd:
        assert connection.answer().status == 200
        connection.close()
    assert {request.path for request in fake.seen()[begun : begun + 3]} == LISTS


def test_more_lists_of_versions_than_there_are_places(watching, fake):
    """Sixteen are watched as long as they are read; who comes later shows by its lifetime, and turns nobody out."""
    names = {}

    def behave(exchange):
        name = names.get(exchange.request.path, "old")
        exchange.answer(200, f'{{"versions":[],"name":"{name}"}}'.encode(), [("Content-Type", "application/json")])

    fake.on(lambda request: request.path.startswith("/projects/p"), behave)
    daemon = watching(**{"lifetime.versions": "1h"})
    paths = [f"/projects/p{number}/versions.json" for number in range(20)]

    def looked_at(path):
        return [request for request in fake.seen(path) if request.get("X-Redmine-API-Key") == ADMIN_KEY]

    for path in paths:
        daemon.get(path, MANAGER)
    until(lambda: all(len(looked_at(path)) >= 2 for path in paths[:16]), "sixteen are looked at again and again")
    assert not any(looked_at(path) for path in paths[16:])
    keep(daemon, paths)
    names[paths[15]] = "new"
    until(lambda: "new" in daemon.get(paths[15], MANAGER).text, "a change of the last that has a place shows")


def test_created_and_deleted_issues(watching, fake):
    daemon = watching()
    keep(daemon, ["/issues.json", "/issues/9.json"])
    with fake.model.lock:
        fake.model.add_issue({"project_id": 1, "subject": "made elsewhere"})["updated_on"] = "2024-06-01T00:00:00Z"
    until(lambda: "made elsewhere" in daemon.get("/issues.json", MANAGER).text, "the new issue shows")
    assert hit(daemon, "/issues/9.json", MANAGER)
    with fake.model.lock:
        del fake.model.issues[9]
    until(lambda: daemon.get("/issues/9.json", MANAGER).status == 404, "the deleted one is gone")


@pytest.mark.parametrize(
    "watched, read, spoilt, left",
    [
        ("/time_entries.json", "/time_entries.json", ["/time_entries.json", "/issues/1.json"], ["/news.json"]),
        ("/projects.json", "/projects.json", ["/projects.json", "/issues/1.json", "/news.json"], []),
        ("/projects/1/versions.json", "/projects/1/versions.json", ["/projects/1/versions.json", "/issues/1.json"], ["/news.json"]),
    ],
)  # fmt: skip
def test_lists_that_are_compared_whole(watching, fake, watched, read, spoilt, left):
    def answer(text):
        def behave(exchange):
            exchange.answer(200, text, [("Content-Type", "application/json")])

        return behave

    for path in ("/news.json", "/time_entries.json", "/projects/1/versions.json"):
        fake.on(path, answer(b'{"old":1}'))
    daemon = watching()
    keep(daemon, spoilt + left)
    rounds(fake, 2)
    fake.on(watched, answer(b'{"new":1}'))
    until(lambda: "new" in daemon.get(read, MANAGER).text, "the change shows")
    assert not any(hit(daemon, target, MANAGER) for target in spoilt if target != read)
    assert all(hit(daemon, target, MANAGER) for target in left)


def test_quiet_redmine_is_asked_once_for_each_list(watching, fake):
    daemon = watching()
    keep(daemon, ["/issues/3.json", "/issues.json", "/projects.json"])
    rounds(fake, 1)
    begun = len(fake.seen(is_look))
    rounds(fake, 4)
    looks = collections.Counter(request.path for request in fake.seen(is_look)[begun:])
    # No look waits for another one's answer: on a busy machine one may come after the next of another list.
    assert len(looks) == 3 and max(looks.values()) <= 2 * min(looks.values()) + 2, f"one request each: {looks}"
    assert all(hit(daemon, target, MANAGER) for target in ["/issues/3.json", "/issues.json", "/projects.json"])


def test_old_changes_are_told_by_one_row(watching, fake):
    """Two minutes after the last change nobody can be late any more."""
    fake.model.issues[3]["updated_on"] = "2024-05-01T00:00:00Z"
    daemon = watching()
    daemon.advance(125_000)
    fake.wait_seen(lambda request: is_round(request) and "limit=1&" in request.query, 2)
    keep(daemon, ["/issues/4.json", "/issues/5.json"])
    edit(fake, 4, subject="edited elsewhere", updated_on="2024-05-02T00:00:00Z")
    until(lambda: "edited elsewhere" in daemon.get("/issues/4.json", MANAGER).text, "the edit shows")
    assert hit(daemon, "/issues/5.json", MANAGER)


def test_what_nobody_reads_is_not_watched(launch, fake, tmp_path):
    """Each list is looked at once, to have something to compare with."""
    key = tmp_path / "key"
    key.write_text(ADMIN_KEY)
    key.chmod(0o600)
    daemon = launch({"watch.session": "eyes", "watch.interval": "100ms", "session.eyes.key_file": key})
    fake.wait_seen(is_look, 3)
    assert settled(lambda: len(fake.seen(is_look)), rounds=8) == 3
    daemon.get("/trackers.json", MANAGER)
    assert settled(lambda: len(fake.seen(is_look)), rounds=8) == 3, "nothing that is looked at shows in it"
    daemon.get("/users/current.json", MANAGER)
    fake.wait_seen(is_look, 5)
    assert {request.path for request in fake.seen(is_look)[3:]} == {"/projects.json"}, "names of projects do"
    with Listener(daemon):
        rounds(fake, 2)


def test_what_is_found_is_told(watching, fake):
    daemon = watching()
    with Listener(daemon) as listener:
        edit(fake, 3, updated_on="2024-05-01T00:00:00Z")
        event = json.loads(listener.event()["data"])
    assert event["source"] == "watcher" and "issue:3" in event["tags"] and event["url"] == "/issues/3.json"


def test_redmine_away_and_back(watching, fake):
    daemon = watching()
    keep(daemon, ["/issues/3.json"])
    fake.stop()
    daemon.logged("watch: session eyes: Redmine does not answer")
    edit(fake, 3, subject="meanwhile", updated_on="2024-05-01T00:00:00Z")
    fake.start()
    until(lambda: "meanwhile" in daemon.get("/issues/3.json", MANAGER).text, "what was changed meanwhile shows")


def test_session_that_is_not_there(launch, fake):
    with pytest.raises(Exception) as failure:
        launch({"watch.session": "nobody"})
    assert 'there is no [session "nobody"]' in str(failure.value)


def test_nothing_is_asked_without_a_session(launch, fake):
    launch()
    assert settled(lambda: len(fake.requests), rounds=5) == 0
