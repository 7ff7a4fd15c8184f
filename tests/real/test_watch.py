"""What is changed in Redmine directly shows through a daemon that watches, within an interval and a second."""

import json
import re
import time

import pytest

from http_layer import ask
from instances import Instance
from wire import PATIENCE

INTERVAL = 2
LIMIT = (INTERVAL + 1) * PATIENCE
LIFETIMES = ("issues", "issue", "time_entries", "time_entry", "projects", "project", "versions", "version")


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A Redmine of this module's own: what is written here is not undone."""
    instance = Instance(tmp_path_factory.mktemp("redmine") / "watched", workers=2)
    yield instance
    instance.stop()


@pytest.fixture
def watching(watched, launch, tmp_path):
    key = tmp_path / "key"
    key.write_text(watched.keys["admin"])
    key.chmod(0o600)
    options = {"watch.session": "eyes", "watch.interval": f"{INTERVAL}s", "session.eyes.key_file": key}
    return launch(watched, **options, **{f"lifetime.{name}": "1h" for name in LIFETIMES})


def test_changes_made_elsewhere_show_in_time(watched, watching):
    admin = ("X-Redmine-API-Key", watched.keys["admin"])
    mona = ("X-Redmine-API-Key", watched.keys["mona"])

    def read(base, target):
        answer = ask(base, "GET", target, [mona])
        return answer.status, answer.body.replace(watching.url.encode(), b"").replace(watched.url.encode(), b"")

    def write(method, target, content=None):
        body = json.dumps(content).encode() if content else b""
        answer = ask(watched.url, method, target, [admin, ("Content-Type", "application/json")], body)
        assert answer.status in (201, 204), (method, target, answer.status, answer.body)
        found = re.search(rb'"id":(\d+)', answer.body)
        return int(found[1]) if found else None

    def shows(*targets):
        """The next write is seen in all of these; how long it took is kept."""
        before = {target: read(watching.url, target) for target in targets}

        def check(what, begun):
            for target in targets:
                expected = read(watched.url, target)
                assert expected != before[target], f"{what} does not change {target}"
                while read(watching.url, target) != expected:
                    assert time.monotonic() - begun < LIMIT, f"{what} does not show in {target}"
                    time.sleep(0.05)
            times[what] = round(time.monotonic() - begun, 1)

        return check

    def one(what, targets, *how):
        check = shows(*targets)
        number = write(*how)
        check(what, time.monotonic())
        return number

    times = {}
    lists = ("/issues.json?limit=3", "/projects/atlas/issues.json?limit=3")
    for target in (*lists, "/time_entries.json?limit=3", "/projects.json", "/projects/1/versions.json"):
        read(watching.url, target)
    rounds = watched.mark()
    while sum("updated_on" in (request["query"] or "") for request in watched.reached(rounds)) < 2:
        time.sleep(0.1)  # the lists that are compared whole have been seen once
    issue = one("a new issue", lists, "POST", "/issues.json", {"issue": {"project_id": 1, "subject": "Elsewhere", "tracker_id": 2}})
    shown = (*lists, f"/issues/{issue}.json", f"/issues/0{issue}.xml")
    one("an edit", shown, "PUT", f"/issues/{issue}.json", {"issue": {"subject": "Edited elsewhere"}})
    one("a note", (f"/issues/{issue}.json?include=journals",), "PUT", f"/issues/{issue}.json", {"issue": {"notes": "Elsewhere"}})
    content = {"time_entry": {"issue_id": issue, "hours": 2, "activity_id": 8}}
    entries = ("/time_entries.json?limit=3", f"/issues/{issue}.json")
    entry = one("a new time entry", entries, "POST", "/time_entries.json", content)
    entries = (*entries, f"/time_entries/{entry}.json")
    one("a changed time entry", entries, "PUT", f"/time_entries/{entry}.json", {"time_entry": {"hours": 3}})
    one("a deleted time entry", entries, "DELETE", f"/time_entries/{entry}.json")
    one("a renamed project", ("/projects.json", "/projects/atlas.json", "/issues/1.json"), "PUT", "/projects/1.json", {"project": {"name": "Elsewhere"}})
    one("a renamed version", ("/projects/1/versions.json", "/versions/2.json"), "PUT", "/versions/2.json", {"version": {"name": "elsewhere"}})
    one("a deleted issue", (*lists, f"/issues/{issue}.json"), "DELETE", f"/issues/{issue}.json")
    print(times)
