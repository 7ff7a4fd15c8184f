"""redmine-cachectl and the control socket: what they show, what they change, and who may."""

import json
import re
import socket
import stat
import subprocess

import pytest

from behaviours import reply
from cachectl import ADMIN, MANAGER, PROGRAM, answers, cachectl
from daemon import StartFailed, until
from fake_redmine import Gate
from redmine_model import ADMIN_KEY
from wire import LIMIT


def raw(daemon, *lines):
    """What the daemon answers to lines of any kind."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(LIMIT)
        sock.connect(str(daemon.options["control.socket"]))
        answered = sock.makefile("rb")
        for line in lines:
            sock.sendall(line + b"\n")
            yield json.loads(answered.readline())


# The socket.


def test_the_socket_is_its_owners_and_goes_with_the_daemon(controlled, fake, tmp_path):
    daemon = controlled()
    path = tmp_path / "c.sock"
    assert stat.S_ISSOCK(path.stat().st_mode) and stat.S_IMODE(path.stat().st_mode) == 0o600
    daemon.stop()
    assert not path.exists()


def test_its_mode_is_a_setting(controlled, fake, tmp_path):
    controlled({"control.mode": "0660"})
    assert stat.S_IMODE((tmp_path / "c.sock").stat().st_mode) == 0o660


def test_what_a_killed_daemon_left_is_replaced(controlled, fake, tmp_path):
    daemon = controlled()
    daemon.kill()
    assert (tmp_path / "c.sock").exists()
    daemon.start()
    assert "Redmine" in cachectl(daemon, "status")


@pytest.mark.parametrize("there", ["a file", "a daemon"])
def test_what_is_anothers_is_left_alone(controlled, fake, tmp_path, there):
    if there == "a file":
        (tmp_path / "c.sock").write_text("mine")
    else:
        first = controlled()
    second = controlled(begin=False)
    with pytest.raises(StartFailed) as failed:
        second.start()
    assert "control.socket" in failed.value.stderr
    assert (tmp_path / "c.sock").read_text() == "mine" if there == "a file" else cachectl(first, "engines")


def test_automatic_one_is_where_systemd_says(launch, fake, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    daemon = launch(env={"RUNTIME_DIRECTORY": str(folder)})
    daemon.options["control.socket"] = folder / "control.sock"
    assert answers(daemon, "status")[0]["version"]
    second = launch(env={"RUNTIME_DIRECTORY": str(folder)})
    second.logged("another process answers there; redmine-cachectl will not reach this daemon")
    assert answers(daemon, "status")[0]["upstream"]


def test_lines_that_are_no_orders(controlled, fake):
    daemon = controlled()
    lines = [
        b"nonsense",
        b"[1]",
        b'{"protocol": 2, "command": "status"}',
        b'{"command": "status"}',
        b'{"protocol": 1, "command": "explode"}',
        b'{"protocol": 1, "command": 7}',
        b'{"protocol": 1, "command": "purge", "arguments": []}',
        b'{"protocol": 1, "command": "engines"}',
    ]
    *refused, good = raw(daemon, *lines)
    codes = ["bad-request", "bad-request", "protocol", "protocol", "unknown-command", "unknown-command", "bad-request"]
    assert [line["error"]["code"] for line in refused] == codes
    assert good["result"]["engines"]


def test_too_long_a_line_ends_the_connection(controlled, fake):
    daemon = controlled()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(LIMIT)
        sock.connect(str(daemon.options["control.socket"]))
        try:
            sock.sendall(b"x" * (2 << 20))
        except OSError:
            pass
    assert cachectl(daemon, "status")


def test_more_callers_than_there_are_seats(controlled, fake):
    daemon = controlled()
    tails = [socket.socket(socket.AF_UNIX) for _ in range(16)]
    try:
        for sock in tails:
            sock.settimeout(LIMIT)
            sock.connect(str(daemon.options["control.socket"]))
            sock.sendall(b'{"protocol": 1, "command": "tail"}\n')
            assert json.loads(sock.makefile().readline()) == {"row": {}}
        assert "16 others are connected" in cachectl(daemon, "status", code=1)
    finally:
        for sock in tails:
            sock.close()
    until(lambda: subprocess.run([PROGRAM, "-s", daemon.options["control.socket"], "status"]).returncode == 0, "a seat")


# What it shows.


def test_status(controlled, fake):
    daemon = controlled()
    daemon.get("/issues.json")
    daemon.get("/issues.json")
    status = until(lambda: (now := answers(daemon, "status")[0])["requests"]["hits"] == 1 and now, "the hit is counted")
    assert status["redmine"]["state"] == "up"
    until(lambda: daemon.status["engine"]["busy"] == 0, "the engine is at rest")
    text = cachectl(daemon, "status")
    assert f"Redmine    {fake.base}: up for" in text and "Hits       50.0 % of reads" in text
    assert "Engine     " in text and "0 of " in text
    assert cachectl(daemon, "engines").startswith("Engine     ")


def test_entries_of_memory_and_of_the_file(controlled, fake):
    daemon = controlled()
    for number in (1, 2, 3):
        daemon.get(f"/issues/{number}.json?key={ADMIN_KEY}")
    daemon.restart()
    daemon.get(f"/issues/2.json?key={ADMIN_KEY}")
    daemon.get("/trackers.json")
    *entries, total = answers(daemon, "entries")
    assert total["entries"] == len(entries) == 4
    where = {entry["target"]: entry["in"] for entry in entries}
    assert where["/issues/1.json?key=-"] == where["/issues/3.json?key=-"] == "file"
    assert where["/issues/2.json?key=-"] == where["/trackers.json"] == "memory"
    assert len(answers(daemon, "entries", "--pattern", "/issues/*")) == 4
    assert len(answers(daemon, "entries", "--limit", "2")) == 3
    assert "4 entries" in cachectl(daemon, "entries")


def explained(daemon, target, why):
    """What is told of a target once the last miss of it is the one that is meant, which ends after its client has its answer."""

    def look():
        (told,) = answers(daemon, "explain", target)
        return told["last_miss"] and why in told["last_miss"]["why"] and told

    return until(look, f"the last miss says {why!r}")


def test_explain(controlled, fake):
    daemon = controlled()
    target = f"/issues/5.json?include=journals&key={ADMIN_KEY}"
    daemon.get(target)
    daemon.get(target)
    url = f"http://{daemon.address[0]}:{daemon.port}{target}"
    told = explained(daemon, url, "nothing was stored under its key")
    assert ADMIN_KEY not in json.dumps(told)
    assert told["resource"] == "issue" and told["pattern"] == "/issues/:id" and told["rule"]["lifetime_s"] == 30
    assert {"any", "issue", "issue:5"} <= {tag["tag"] for tag in told["tags"]}
    (entry,) = told["stored"]
    assert entry["in"] == "memory" and 0 < entry["fresh_s"] <= 30 and entry["age_s"] >= 0
    assert {tag["tag"] for tag in entry["tags"]} >= {"any", "issue", "issue:5"}
    miss = told["last_miss"]
    assert (miss["cache"], miss["status"], miss["stored"]) == ("miss", 200, True)
    daemon.advance(31000)
    daemon.get(target)
    explained(daemon, target, "what was stored was older than its lifetime")
    daemon.get(target, [("Cache-Control", "no-cache")])
    explained(daemon, target, "Cache-Control")


def test_explain_knows_each_identitys_answer_and_the_order_of_parameters(controlled, fake):
    daemon = controlled()
    daemon.get("/issues.json?sort=id&limit=5", ADMIN)
    daemon.get("/issues.json?limit=5&sort=id", MANAGER)
    daemon.get("/issues.json?limit=6&sort=id", MANAGER)
    (told,) = answers(daemon, "explain", "/issues.json?limit=5&sort=id")
    assert len(told["stored"]) == 2
    assert "Stored      2" in cachectl(daemon, "explain", "/issues.json?limit=5&sort=id")


def test_explain_knows_that_a_whole_list_was_stored(controlled, fake):
    daemon = controlled()
    target = "/issues.json?limit=all"
    assert daemon.get(target, ADMIN).status == 200
    until(lambda: daemon.get(target, ADMIN).hit, "it is stored")
    told = explained(daemon, target, "")
    assert told["last_miss"]["stored"] and len(told["stored"]) == 1


def test_explain_what_the_table_does_not_know(controlled, fake):
    daemon = controlled()
    (told,) = answers(daemon, "explain", "/some/where")
    assert told["resource"] == "other" and told["pattern"] is None and told["stored"] == [] and not told["last_miss"]
    assert "RFC 9111" in told["rule"]["by"]
    assert "no URL" in cachectl(daemon, "explain", "nonsense", code=1)


# Purging.


def stored(daemon):
    return sorted(entry["target"] for entry in answers(daemon, "entries")[:-1])


def asked_in_turn(daemon, *questions):
    """Each ends, which is when it is logged and kept in mind, before the next one begins."""
    for number, (target, fields) in enumerate(questions, 1):
        daemon.get(target, fields)
        until(lambda: len(re.findall(r" GET /(?!-/)", daemon.stderr)) == number, f"{number} requests have ended")


def filled(controlled, restarted):
    daemon = controlled()
    mine = ("/issues/1.json", "/issues/2.json", "/issues.json?limit=2", "/trackers.json")
    asked_in_turn(daemon, *[(target, ADMIN) for target in mine], ("/issues/1.json", MANAGER))
    if restarted:
        daemon.restart()
    return daemon


@pytest.mark.parametrize("restarted", [False, True], ids=["memory", "file"])
@pytest.mark.parametrize(
    "how, left",
    [
        (["--url", "/issues/1.json"], ["/issues.json?limit=2", "/issues/2.json", "/trackers.json"]),
        (["--pattern", "/issues/*"], ["/issues.json?limit=2", "/trackers.json"]),
        (["--tag", "issue:1"], ["/issues.json?limit=2", "/issues/2.json", "/trackers.json"]),
        (["--tag", "meta"], ["/issues.json?limit=2", "/issues/1.json", "/issues/1.json", "/issues/2.json"]),
        (["--pattern", "/issues/*", "--tag", "issue:2"], None),
        (["--all"], []),
    ],
)
def test_purge(controlled, fake, restarted, how, left):
    daemon = filled(controlled, restarted)
    before = stored(daemon)
    assert len(before) == 5
    (purged,) = answers(daemon, "purge", *how)
    after = stored(daemon)
    if left is None:
        left = [target for target in before if target != "/issues/2.json"]
    assert after == left and purged["entries"] == 5 - len(left)
    asked = len(fake.requests)
    assert not daemon.get("/issues/1.json", ADMIN).hit or "/issues/1.json" in left
    assert len(fake.requests) - asked == ("/issues/1.json" not in left)


def test_purge_of_one_identity(controlled, fake):
    daemon = filled(controlled, False)
    identity = answers(daemon, "explain", "/issues/1.json")[0]["last_miss"]["identity"]
    (purged,) = answers(daemon, "purge", "--identity", identity)
    assert purged["entries"] == 1, "the manager asked last, and for one URL"
    assert daemon.get("/issues/1.json", ADMIN).hit and not daemon.get("/issues/1.json", MANAGER).hit


def test_purge_of_one_identity_under_the_origin_policy(controlled, fake, fresh):
    daemon = controlled({"cache.policy": "origin"})
    target = fresh("/page")
    fake.on(target.partition("?")[0], reply(200, b"x", [("Cache-Control", "public, max-age=600")]))
    asked_in_turn(daemon, *[(target, fields) for fields in ((), ADMIN, MANAGER)])
    identity = answers(daemon, "explain", target)[0]["last_miss"]["identity"]
    (purged,) = answers(daemon, "purge", "--identity", identity)
    assert purged["entries"] == 1
    assert daemon.get(target).hit and daemon.get(target, ADMIN).hit and not daemon.get(target, MANAGER).hit


def test_soft_purge_is_validated_and_served_from_what_is_there(controlled, fake):
    daemon = filled(controlled, False)
    answers(daemon, "purge", "--soft", "--url", "/issues/1.json")
    assert len(stored(daemon)) == 5
    answer = daemon.get("/issues/1.json", ADMIN)
    assert not answer.hit and answer.cache["fwd"] == "stale" and answer.status == 200
    assert daemon.get("/issues/1.json", ADMIN).hit
    assert daemon.get("/issues/2.json", ADMIN).hit


def test_purge_says_how_many_in_words(controlled, fake):
    daemon = controlled()
    for target in ("/issues/1.json", "/issues/2.json", "/projects.json"):
        daemon.get(target)
    assert "1 entry, " in cachectl(daemon, "purge", "--soft", "--url", "/issues/1.json")
    assert cachectl(daemon, "purge", "--url", "/issues/1.json").startswith("1 entry purged, ")
    assert cachectl(daemon, "purge", "--all").startswith("2 entries purged, ")


def test_purged_answers_are_not_served_from_what_is_ready(controlled, fake):
    """An event thread that keeps the answer ready lets go of it, too."""
    daemon = controlled()
    for _ in range(5):
        daemon.get("/issues/1.json")
    answers(daemon, "purge", "--url", "/issues/1.json")
    assert not daemon.get("/issues/1.json").hit


def test_what_is_being_fetched_does_not_survive_a_purge_of_all(controlled, fake):
    daemon = controlled()
    gate = Gate()
    fake.on("/issues/1.json", lambda exchange: (gate(exchange), reply(200, b'{"old":1}')(exchange)))
    with gate, daemon.connect() as connection:
        connection.ask("GET", "/issues/1.json")
        gate.arrived()
        answers(daemon, "purge", "--all")
        gate.open()
        assert connection.answer().status == 200
    assert stored(daemon) == []


@pytest.mark.parametrize("how", [[], ["--all", "--url", "/issues.json"], ["--identity", "me"], ["--url", "issues"]])
def test_purge_of_what_is_not_clear(controlled, fake, how):
    daemon = filled(controlled, False)
    assert cachectl(daemon, "purge", *how, code=1).startswith("redmine-cachectl: ")
    assert len(stored(daemon)) == 5
