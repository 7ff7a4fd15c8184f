"""All issues of the real Redmine: what a dashboard's author waits for."""

import contextlib
import json
import os
import sqlite3
import subprocess
import time

from harness.build import TOP
from harness.process import Failed, get

INSTANCE = os.path.join(TOP, "tools", "redmine-instance")
WHOLE = "/issues.json?status_id=*&limit=all"
WALK = """
import sys, time
from redminelib import Redmine
redmine = Redmine(sys.argv[1], key=sys.argv[2])
begun = time.monotonic()
rows = len({issue.id for issue in redmine.issue.filter(status_id="*")})
print(rows, time.monotonic() - begun)
"""
MORE = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
INSERT INTO issues (tracker_id, project_id, subject, description, status_id, priority_id, author_id, lock_version,
                    created_on, updated_on, start_date, done_ratio, is_private, lft, rgt)
SELECT tracker_id, project_id, subject || ' ' || i, description, status_id, priority_id, author_id, 0,
       created_on, updated_on, start_date, done_ratio, 0, 1, 2
FROM n JOIN (SELECT *, row_number() OVER (ORDER BY id) AS k FROM issues WHERE project_id = ?) s
     ON s.k = 1 + n.i % (SELECT count(*) FROM issues WHERE project_id = ?)
"""


class Redmine:
    """The real one, privately, with at least so many issues that its administrator sees."""

    def __init__(self, place, issues):
        self.folder = place.file("redmine")
        about = json.loads(self._call("start", "--workers", "2", "--threads", "3", "--format", "json"))
        self.port, self.key = about["port"], about["sample"]["keys"]["admin"]
        first = json.loads(get(self.port, "/issues.json?status_id=*&limit=1", self.fields, 60)[2])
        project = first["issues"][0]["project"]["id"]
        with contextlib.closing(sqlite3.connect(about["database"], timeout=30)) as database, database:
            if first["total_count"] < issues:
                database.execute(MORE, (issues - first["total_count"], project, project))
            database.execute("UPDATE issues SET root_id = id WHERE root_id IS NULL")
        self.rows = max(issues, first["total_count"])

    @property
    def fields(self):
        """The header fields that name its administrator."""
        return {"X-Redmine-API-Key": self.key}

    def _call(self, *words):
        done = subprocess.run([INSTANCE, words[0], "--dir", self.folder, *words[1:]], capture_output=True, text=True,
                              timeout=300, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise Failed(f"the real Redmine: {done.stderr.strip()[-300:]}")
        return done.stdout

    def walk(self, port):
        """Read all by an unmodified python3-redminelib: seconds."""
        done = subprocess.run(["/usr/bin/python3", "-c", WALK, f"http://127.0.0.1:{port}", self.key], timeout=600,
                              check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise Failed(f"python3-redminelib: {done.stderr.strip()[-300:]}")
        rows, seconds = done.stdout.split()
        return int(rows), float(seconds)

    def whole(self, port):
        """Read all by limit=all, with the key where python3-redminelib has it: another form of it is another asker. Seconds."""
        begun = time.monotonic()
        body = get(port, f"{WHOLE}&key={self.key}", {}, 600)[2]
        seconds = time.monotonic() - begun
        return len({issue["id"] for issue in json.loads(body)["issues"]}), seconds

    def stop(self):
        """End it."""
        self._call("stop")


def real(bench, engine):
    """Cold, warm, read-ahead and limit=all, against python3-redminelib straight to Redmine."""

    def add(what, found):
        rows, seconds = found
        if rows != redmine.rows:
            bench.remark(f"real, {what}: {rows} issues of {redmine.rows}")
        bench.add("real", {"server": what, "scenario": "all issues", "rows": rows, "last": seconds})

    redmine = Redmine(bench.place, bench.issues)
    try:
        for _ in range(4):  # Ruby loads its classes with the first requests, in each process
            get(redmine.port, "/issues.json?status_id=*&limit=100", redmine.fields, 60)
        for _ in range(bench.rounds):
            add("python3-redminelib, straight", redmine.walk(redmine.port))
            with bench.daemon(engine=engine, workers=6, origin=redmine, options=("lifetime.issues=1h",)) as server:
                if not server:
                    return
                add("python3-redminelib, cold: read ahead", redmine.walk(server.port))
                add("python3-redminelib, warm", redmine.walk(server.port))
                add("limit=all, pages warm", redmine.whole(server.port))
                add("limit=all, warm", redmine.whole(server.port))
            with bench.daemon(engine=engine, workers=6, origin=redmine) as server:
                if server:
                    add("limit=all, cold", redmine.whole(server.port))
    finally:
        redmine.stop()
