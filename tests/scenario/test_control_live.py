"""redmine-cachectl: what it shows as it happens, what it has done, and how it is called."""

import json
import os
import subprocess

import pytest

from behaviours import json_reply
from cachectl import ADMIN, PARTLY, PROGRAM, Tail, answers, cachectl
from redmine_model import ADMIN_KEY
from wire import LIMIT

# Live.


def test_tail_shows_hits_that_are_ready_and_no_key(controlled, fake):
    daemon = controlled()
    target = f"/issues/1.json?key={ADMIN_KEY}"
    with Tail(daemon, "tail") as tail:
        assert tail.next() == {}
        for kind in ("miss", "hit", "hit", "hit"):
            daemon.get(target)
            row = tail.next()
            assert (row["target"], row["cache"], row["status"]) == ("/issues/1.json?key=-", kind, 200)
        daemon.get("/-/ready")
        daemon.get("/nothing")
        assert tail.next()["status"] == 404, "the daemon's own pages are not shown"


@pytest.mark.parametrize(
    "how",
    [
        ["--pattern", "/projects*"],
        ["--resource", "projects"],
        ["--status", "5xx"],
        ["--status", "503"],
        ["--method", "PUT"],
        ["--cache", "write"],
    ],
)
def test_tail_filters(controlled, fake, how):
    daemon = controlled()
    fake.on("/projects.json", json_reply(b"{}", status=503))
    with Tail(daemon, "tail", *how) as tail:
        tail.next()
        daemon.get("/issues.json")
        if how[0] in ("--method", "--cache"):
            daemon.request("PUT", "/projects.json", body=b"{}")
        else:
            daemon.get("/projects.json")
        row = tail.next()
        assert row["target"] == "/projects.json" and row["status"] == 503


@pytest.mark.parametrize(
    "how",
    [
        ["--status", "6xx"],
        ["--cache", "nonsense"],
        ["--resource", "nonsense"],
        ["--identity", "nonsense"],
    ],
)
def test_tail_refuses_what_nothing_could_pass(controlled, fake, how):
    assert f"{how[0][2:]}: " in cachectl(controlled(), "tail", *how, code=1)


def test_tail_ends_with_the_daemon(controlled, fake):
    daemon = controlled()
    with Tail(daemon, "tail") as tail:
        tail.next()
        daemon.stop()
        tail.process.wait(LIMIT)


def test_top_counts_by_url(controlled, fake):
    daemon = controlled()
    with Tail(daemon, "top", "--interval", "500") as top:
        assert top.next()["busiest"] == []
        for _ in range(3):
            daemon.get("/issues.json")
        daemon.get("/projects.json")
        counts = {}
        while sum(counts.values()) < 4:
            for row in top.next()["busiest"]:
                counts[row["target"]] = counts.get(row["target"], 0) + row["count"]
        assert counts == {"/issues.json": 3, "/projects.json": 1}
    said = cachectl(daemon, "top", "--count", "1")
    assert "requests/s" in said and "A hit      half of 2 below " in said


# Orders.


def test_reload_says_what_it_did(controlled, fake):
    daemon = controlled()
    daemon.configure({"lifetime.issues": "0"})
    assert "The settings are good" in cachectl(daemon, "check")
    daemon.get("/issues.json")
    assert daemon.get("/issues.json").hit, "check changes nothing"
    cachectl(daemon, "reload")
    daemon.get("/issues.json?limit=1")
    assert not daemon.get("/issues.json?limit=1").hit
    daemon.configure({"listen.max_connections": "77"})
    assert "a restart is needed for listen.max_connections" in cachectl(daemon, "reload")


def test_bad_settings_are_refused_with_their_place(controlled, fake):
    daemon = controlled()
    daemon.configure({"lifetime.issues": "soon"})
    for order in ("check", "reload"):
        said = cachectl(daemon, order, code=1)
        assert "redmine-cached.conf:" in said and "soon" in said
    assert daemon.get("/issues.json").status == 200


def test_warm(controlled, fake, tmp_path):
    daemon = controlled()
    key = tmp_path / "key"
    key.write_text(ADMIN_KEY + "\n")
    urls = [f"/issues/{number}.json" for number in range(1, 7)]
    *rows, total = answers(daemon, "warm", "--key-file", key, *urls)
    assert [row["done"] for row in rows] == [1, 2, 3, 4, 5, 6] and {row["url"] for row in rows} == set(urls)
    assert total == {"asked": 6, "stored": 6}
    assert all(daemon.get(url, ADMIN).hit for url in urls)
    assert not daemon.get(urls[0]).hit, "what was fetched with a key is that key's"
    text = cachectl(daemon, "warm", "-", data="/issues.json\n/projects.json\n\n")
    assert "2 asked, 2 stored" in text and daemon.get("/issues.json").hit


def test_warm_tells_what_failed(controlled, fake):
    daemon = controlled()
    fake.on("/issues.json", json_reply(b"{}", status=500))
    *rows, total = answers(daemon, "warm", "/issues.json", "nonsense", code=PARTLY)
    assert total["stored"] == 0 and {row["status"] for row in rows} == {500, 0}
    assert {row.get("error") for row in rows} == {None, "no URL of Redmine's, nor a path that begins with a slash"}
    said = cachectl(daemon, "warm", "/issues.json", "/projects.json", code=PARTLY)
    assert "/issues.json 500 " in said and "2 asked, 1 stored, 1 failed" in said
    assert cachectl(daemon, "warm", "--session", "nobody", "/issues.json", code=1)


def test_sessions_are_named_without_their_secrets(controlled, fake, tmp_path):
    secret = tmp_path / "admin.key"
    secret.write_text(ADMIN_KEY)
    secret.chmod(0o600)
    daemon = controlled({"session.board.key_file": secret}, begin=False)
    daemon.configure({"session.board.listeners": daemon.options["listen.address"]})
    daemon.start()
    (told,) = answers(daemon, "sessions")
    assert told["sessions"][0]["name"] == "board" and told["sessions"][0]["credential"] == "key"
    assert ADMIN_KEY not in json.dumps(told)
    answers(daemon, "warm", "--session", "board", "/issues.json")
    assert daemon.get("/issues.json", ADMIN).hit
    assert "board: credential key" in cachectl(daemon, "sessions")


def test_warm_takes_one_credential(controlled, fake, tmp_path):
    secret = tmp_path / "key"
    secret.write_text(ADMIN_KEY)
    assert "not both" in cachectl(controlled(), "warm", "--key-file", secret, "--session", "a", "/issues.json", code=1)


# The program.


def test_its_own_options_may_stand_behind_the_command(controlled, fake):
    daemon = controlled()
    done = subprocess.run(
        [PROGRAM, "engines", "--json", "--socket", str(daemon.options["control.socket"])], capture_output=True, text=True
    )
    assert json.loads(done.stdout)["engines"]


@pytest.mark.parametrize(
    "arguments, code",
    [
        ([], 2),
        (["explode"], 2),
        (["status", "--soft"], 2),
        (["status", "extra"], 2),
        (["explain"], 2),
        (["entries", "--limit", "many"], 2),
        (["--socket"], 2),
        (["--socket", "/nonexistent/sock", "status"], 3),
        (["warm", "--key-file", "/nonexistent", "/issues.json"], 2),
        (["purge", "--al"], 2),
        (["purge", "--help"], 0),
        (["--help"], 0),
        (["--version"], 0),
    ],
)
def test_exit_codes(arguments, code):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
    assert done.returncode == code and bool(done.stderr) == (code != 0)
    assert all(line.startswith("redmine-cachectl: ") for line in done.stderr.splitlines())


def test_its_socket_comes_from_the_environment_too(controlled, fake):
    daemon = controlled()
    env = {"REDMINE_CACHED_SOCKET": str(daemon.options["control.socket"])}
    done = subprocess.run([PROGRAM, "engines"], capture_output=True, text=True, env=env)
    assert done.returncode == 0 and done.stdout.startswith("Engine")
