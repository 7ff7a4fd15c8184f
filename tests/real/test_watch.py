"""What is changed in Redmine directly shows through a daemon that watches, once it has looked at Redmine again.

REDMINE_CACHED_WATCH_ROUNDS says how often each kind of change is made (1), REDMINE_CACHED_WATCH_INTERVAL the interval in
seconds (0.5); how long the changes took to show is reported."""

import collections
import json
import os
import random
import re
import time

import pytest

from http_layer import ask
from instances import Instance

ROUNDS = int(os.environ.get("REDMINE_CACHED_WATCH_ROUNDS", "1"))
INTERVAL = float(os.environ.get("REDMINE_CACHED_WATCH_INTERVAL", "0.5"))
LIFETIMES = ("issues", "issue", "time_entries", "time_entry", "projects", "project", "versions", "version")
LISTS = ("/issues.json?limit=3", "/projects/atlas/issues.json?limit=3")
ENTRIES = "/time_entries.json?limit=3"
PROJECTS = ("/projects.json", "/projects/atlas.json", "/issues/1.json")
VERSIONS = ("/projects/1/versions.json", "/versions/2.json")
LOOKS = {"issues": "sort=updated_on%3Adesc", "time entries": "sort=created_on%3Adesc", "projects": "f%5B%5D=", "versions": None}


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A Redmine of this module's own: what is written here is not undone."""
    instance = Instance(tmp_path_factory.mktemp("redmine") / "watched", workers=2)
    yield instance
    instance.stop()


class Elsewhere:
    """Changes Redmine directly, and looks how long that takes to show through the daemon."""

    def __init__(self, watched, daemon):
        self.watched, self.daemon = watched, daemon
        self.times = collections.defaultdict(list)
        self.random = random.Random(20261122)

    def read(self, base, target):
        answer = ask(base, "GET", target, [("X-Redmine-API-Key", self.watched.keys["mona"])])
        body = answer.body
        for url in (self.daemon.url, self.watched.url):
            body = body.replace(url.encode(), b"")
        return answer.status, body

    def write(self, method, target, content=None):
        fields = [("X-Redmine-API-Key", self.watched.keys["admin"]), ("Content-Type", "application/json")]
        answer = ask(self.watched.url, method, target, fields, json.dumps(content).encode() if content else b"")
        assert answer.status in (201, 204), (method, target, answer.status, answer.body)
        found = re.search(rb'"id":(\d+)', answer.body)
        return int(found[1]) if found else None

    def looks(self, kind, mark):
        """How many of the watcher's looks Redmine has answered since."""

        def is_one(request):
            if LOOKS[kind]:
                return LOOKS[kind] in (request["query"] or "")
            return request["path"] == VERSIONS[0] and request["credentials"] == self.eyes

        return sum(is_one(request) for request in self.watched.reached(mark))

    def begin(self):
        """Everything is read, and looked at twice."""
        for target in (*LISTS, ENTRIES, *PROJECTS, *VERSIONS):
            self.read(self.daemon.url, target)
        mark = self.watched.mark()
        while self.looks("issues", mark) < 1:
            time.sleep(0.05)
        reached = self.watched.reached(mark)
        self.eyes = next(request for request in reached if LOOKS["issues"] in (request["query"] or ""))["credentials"]
        mark = self.watched.mark()
        while any(self.looks(kind, mark) < 2 for kind in LOOKS):
            time.sleep(0.05)

    def held(self, target):
        """The daemon would answer it from what it has."""
        fields = [("X-Redmine-API-Key", self.watched.keys["mona"]), ("Cache-Control", "only-if-cached")]
        return ask(self.daemon.url, "GET", target, fields).status == 200

    def rest(self, kind):
        """Until no change of an issue is dropped once more because its second was not over, and until a project's new name
        and a version's were also seen in the other places that show them."""
        mark = self.watched.mark()
        seen_by, count = ("issues", 2 + 1 / INTERVAL) if kind in ("issues", "time entries") else ("versions", 3)
        while self.looks(seen_by, mark) < count:
            time.sleep(0.05)

    def change(self, what, kind, targets, *how):
        """One write; what it changes has to show in all targets. Its new id comes back.

        Of the looks that Redmine answers from the write on the first may have begun before it, the second sees it, with
        the third the second is over for sure, and the fourth begins when the daemon has taken in the third."""
        before = {target: self.read(self.daemon.url, target) for target in targets}
        time.sleep(self.random.uniform(0, INTERVAL))
        assert all(self.held(target) for target in targets)
        mark = self.watched.mark()
        number = self.write(*how)
        begun, left = time.monotonic(), targets
        while left:
            looks = self.looks(kind, mark)
            left = [target for target in left if self.held(target)]
            assert not left or looks < 4, f"{what} does not show in {left}, and Redmine was looked at"
        self.times[what].append(time.monotonic() - begun)
        for target in targets:
            shown = self.read(self.daemon.url, target)
            assert shown == self.read(self.watched.url, target), f"{what} does not show in {target}"
            assert shown != before[target], f"{what} does not change {target}"
        self.rest(kind)
        return number

    def all(self):
        """Each kind of change."""
        new = {"issue": {"project_id": 1, "subject": f"Elsewhere {time.monotonic()}", "tracker_id": 2}}
        issue = self.change("a new issue", "issues", LISTS, "POST", "/issues.json", new)
        own = f"/issues/{issue}.json"
        edit = {"issue": {"subject": "Edited elsewhere"}}
        self.change("an edit", "issues", (*LISTS, own, f"/issues/0{issue}.xml"), "PUT", own, edit)
        self.change("a note", "issues", (f"{own}?include=journals",), "PUT", own, {"issue": {"notes": "Elsewhere"}})
        entries, content = (ENTRIES, own), {"time_entry": {"issue_id": issue, "hours": 2, "activity_id": 8}}
        entry = self.change("a new time entry", "time entries", entries, "POST", "/time_entries.json", content)
        entries, path = (*entries, f"/time_entries/{entry}.json"), f"/time_entries/{entry}.json"
        self.change("a changed time entry", "time entries", entries, "PUT", path, {"time_entry": {"hours": 3}})
        self.change("a deleted time entry", "time entries", entries, "DELETE", path)
        self.change("a deleted issue", "issues", (*LISTS, own), "DELETE", own)
        name = f"Elsewhere {time.monotonic()}"
        self.change("a renamed project", "projects", PROJECTS, "PUT", "/projects/1.json", {"project": {"name": name}})
        self.change("a renamed version", "versions", VERSIONS, "PUT", "/versions/2.json", {"version": {"name": name}})

    def report(self):
        return "\n".join(
            f"{what}: {len(times)}, median {sorted(times)[len(times) // 2]:.2f} s, longest {max(times):.2f} s, "
            f"{sum(time > INTERVAL + 1 for time in times)} beyond the interval and a second"
            for what, times in self.times.items()
        )


@pytest.mark.long
def test_changes_made_elsewhere_show_after_the_next_look(watched, launch, tmp_path, record_property, capsys):
    key = tmp_path / "key"
    key.write_text(watched.keys["admin"])
    key.chmod(0o600)
    options = {"watch.session": "eyes", "watch.interval": f"{INTERVAL * 1000:.0f}ms", "session.eyes.key_file": key}
    daemon = launch(watched, **options, **{f"lifetime.{name}": "1h" for name in LIFETIMES})
    elsewhere = Elsewhere(watched, daemon)
    elsewhere.begin()
    try:
        for _ in range(ROUNDS):
            elsewhere.all()
    finally:
        record_property("figures", elsewhere.report())
        if ROUNDS > 1:
            with capsys.disabled():
                print(f"\nat an interval of {INTERVAL} s:\n{elsewhere.report()}")
