"""redmine-cachectl dump and restore: what comes back of a cache, and what must not."""

import json
import stat
import subprocess
from pathlib import Path

import pytest

from behaviours import json_reply
from cachectl import ADMIN, PROGRAM, answers, cachectl
from redmine_model import ADMIN_KEY
from wire import LIMIT

TARGETS = ["/issues/1.json", "/issues/2.json", "/trackers.json"]
COUNTS = {"restored": 0, "to_validate": 0, "present": 0, "spoilt": 0, "expired": 0}


def counts(**given):
    return {"entries": sum(given.values()), **COUNTS, **given}


@pytest.fixture
def dumped(controlled, fake, tmp_path):
    """A daemon that has answered TARGETS, and the dump that was made of it then."""
    daemon = controlled()
    for target in [*TARGETS, "/users/current.json"]:
        assert daemon.get(target, ADMIN).status == 200
    path = tmp_path / "dump"
    (told,) = answers(daemon, "dump", path)
    assert told["entries"] == 3 and told["left_out"] == 1, "whoami holds the key"
    return daemon, path


def restored(daemon, path):
    (told,) = answers(daemon, "restore", path)
    return told


def test_a_dump_is_its_owners_and_holds_no_key(dumped, tmp_path):
    daemon, path = dumped
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert ADMIN_KEY not in text and "api_key" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines[0]["redmine_cached_dump"] == 1 and lines[-1]["end"]["entries"] == 3
    assert [found.name for found in tmp_path.glob("dump*")] == ["dump"], "a draft was left"
    assert "3 entries" in cachectl(daemon, "dump", path), "an older one is replaced"


def test_what_was_purged_comes_back_to_be_validated(dumped, fake):
    daemon, path = dumped
    assert restored(daemon, path) == counts(present=3)
    daemon.restart()
    cachectl(daemon, "purge", "--url", "/issues/1.json")
    assert restored(daemon, path) == counts(present=2, to_validate=1), "a purge is not undone"
    before = len(fake.seen("/issues/1.json"))
    answer = daemon.get("/issues/1.json", ADMIN)
    assert "fwd-status=304" in answer.get("Cache-Status")
    assert len(fake.seen("/issues/1.json")) == before + 1
    assert daemon.get("/issues/1.json", ADMIN).hit


def test_a_lost_file_is_filled_again_and_every_answer_is_validated(dumped, fake, tmp_path):
    daemon, path = dumped
    daemon.stop()
    cache = daemon.options["cache.path"]
    for name in (cache, f"{cache}-mark"):
        Path(name).unlink()
    daemon.start()
    assert restored(daemon, path) == counts(to_validate=3)
    for target in TARGETS:
        assert "fwd-status=304" in daemon.get(target, ADMIN).get("Cache-Status")


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_a_write_since_is_never_undone(dumped, fake, killed):
    daemon, path = dumped
    body = json.dumps({"issue": {"subject": "of today"}}).encode()
    written = daemon.request("PUT", "/issues/1.json", [*ADMIN, ("Content-Type", "application/json")], body)
    assert written.status == 204
    if killed:
        daemon.kill()
        daemon.start()
    else:
        daemon.restart()
    told = restored(daemon, path)
    assert told["spoilt"] >= 1 and told["to_validate"] == 0, told
    answer = daemon.get("/issues/1.json", ADMIN)
    assert not answer.hit and json.loads(answer.body)["issue"]["subject"] == "of today"


def test_another_secret_another_redmine_another_policy(dumped, controlled, fake, tmp_path):
    daemon, path = dumped
    daemon.configure({"cache.policy": "origin"})
    daemon.restart()
    assert "cache.policy = redmine" in cachectl(daemon, "restore", path, code=1)
    daemon.configure({"cache.policy": None, "cache.path": tmp_path / "other.db"})
    daemon.restart()
    assert "another secret" in cachectl(daemon, "restore", path, code=1)
    daemon.configure({"upstream.url": "http://127.0.0.1:9/redmine"})
    daemon.restart()
    assert "stands before http://127.0.0.1:9/redmine" in cachectl(daemon, "restore", path, code=1)


def damaged(path, how):
    lines = path.read_text().splitlines(keepends=True)
    if how == "cut":
        lines.pop()
    elif how == "changed":
        lines[1] = lines[1].replace('"status":200', '"status":201')
    elif how == "torn":
        lines[2] = lines[2][:20] + "\n"
    else:
        lines = ["{}\n"]
    path.write_text("".join(lines))


@pytest.mark.parametrize(
    "how, said",
    [
        ("cut", "it is not whole"),
        ("changed", "is not what was dumped"),
        ("torn", "Line 3 of the dump: no JSON object"),
        ("another", "no dump of a redmine-cached"),
    ],
)
def test_a_damaged_one_is_refused_where_it_is(dumped, how, said):
    daemon, path = dumped
    damaged(path, how)
    assert said in cachectl(daemon, "restore", path, code=1)
    assert answers(daemon, "engines"), "the daemon goes on"


def test_through_pipes(dumped):
    daemon, path = dumped
    socket = str(daemon.options["control.socket"])
    done = subprocess.run([PROGRAM, "-s", socket, "dump", "-"], capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0 and "3 entries" in done.stderr
    assert len(done.stdout.splitlines()) == len(path.read_text().splitlines())
    assert "3 there already" in cachectl(daemon, "restore", "-", data=done.stdout)


def test_files_that_cannot_be(dumped, tmp_path):
    daemon, path = dumped
    assert "/nonexistent" in cachectl(daemon, "dump", "/nonexistent/dump", code=4)
    assert "/nonexistent" in cachectl(daemon, "restore", "/nonexistent", code=4)
    path.write_text("no JSON\n")
    assert "no dump" in cachectl(daemon, "restore", path, code=4)


def test_a_large_body_takes_several_lines(controlled, fake, tmp_path):
    daemon = controlled()
    fake.on("/issues/7.json", json_reply(json.dumps({"issue": "x" * 1_400_000}).encode()))
    assert daemon.get("/issues/7.json", ADMIN).status == 200
    path = tmp_path / "dump"
    cachectl(daemon, "dump", path)
    assert sum(line.startswith('{"body"') for line in path.read_text().splitlines()) == 3
    assert restored(daemon, path) == counts(present=1)
