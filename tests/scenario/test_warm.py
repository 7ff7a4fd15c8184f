"""What [warm] names is in the cache before anyone asks, and stays there."""

import json
import re
import time

import pytest

from behaviours import reply
from daemon import StartFailed, until
from fake_redmine import settled
from redmine_model import ADMIN_KEY, MANAGER_KEY

KEY = [("X-Redmine-API-Key", ADMIN_KEY)]


@pytest.fixture
def warm(launch, tmp_path):
    """A function: a daemon that keeps these reads warm with a session that has the administrator's key."""
    key = tmp_path / "key"
    key.write_text(ADMIN_KEY + "\n")
    key.chmod(0o600)

    def start(reads, **options):
        session = {"session.wall.key_file": key, "session.wall.token_file": key, "log.level": "info"}
        others = {"warm." + name: value for name, value in options.items()}
        return launch({**session, "warm.interval": "1s", "warm.budget": 6000, "warm.read": reads, **others})

    return start


def test_the_first_request_is_a_hit(warm, fake):
    daemon = warm(["wall /issues.json?limit=all", "wall /projects.json"])
    fake.wait_seen("/projects.json")
    fake.wait_idle()
    until(lambda: daemon.status["requests"]["inner"] >= 5, "both were read")
    answer = daemon.get("/issues.json?limit=all", KEY)
    assert answer.hit and len(json.loads(answer.text)["issues"]) == 240
    assert daemon.get("/projects.json", KEY).hit
    assert not daemon.get("/projects.json", [("X-Redmine-API-Key", MANAGER_KEY)]).hit, "nobody else's"
    assert ADMIN_KEY not in daemon.stderr


def test_it_is_asked_again_before_it_is_old(warm, fake):
    daemon = warm(["wall /projects.json"])
    fake.wait_seen("/projects.json")
    until(lambda: daemon.get("/projects.json", KEY).hit, "it is there")
    before = len(fake.seen("/projects.json"))
    daemon.advance(59_500)  # of a minute: less is left than the next round takes
    fake.wait_seen("/projects.json", before + 1)
    until(lambda: int(daemon.get("/projects.json", KEY).cache.get("ttl", 0)) > 30, "it is as new")


def test_a_write_is_followed_by_a_new_read(warm, fake):
    daemon = warm(["wall /issues.json"])
    fake.wait_seen("/issues.json", method="GET")
    issue = json.dumps({"issue": {"project_id": 1, "subject": "new"}}).encode()
    assert daemon.request("POST", "/issues.json", KEY + [("Content-Type", "application/json")], issue).status == 201
    fake.wait_seen("/issues.json", 2, method="GET")
    until(lambda: daemon.get("/issues.json", KEY).hit, "it is there again")


def test_what_a_change_elsewhere_spoils_is_read_again(launch, fake, tmp_path):
    """Long before its time, and nothing else is asked for."""
    key = tmp_path / "key"
    key.write_text(ADMIN_KEY)
    key.chmod(0o600)
    watch = {"watch.session": "wall", "watch.interval": "100ms", "session.wall.key_file": key}
    reads = ["wall /issues.json?status_id=1", "wall /projects.json"]
    lifetimes = {"lifetime.issues": "9h", "lifetime.projects": "9h"}
    daemon = launch({**watch, **lifetimes, "warm.interval": "1h", "warm.budget": 6000, "warm.read": reads})
    issues = fake.wait_seen("/issues.json?status_id=1")
    fake.wait_seen(lambda request: request.target == "/projects.json")
    fake.wait_seen(lambda request: "sort=updated_on" in request.query, 2)
    with fake.model.lock:
        fake.model.issues[3].update(subject="edited elsewhere", updated_on="2024-05-01T00:00:00Z")
    fake.wait_seen("/issues.json?status_id=1", len(issues) + 1)
    until(lambda: daemon.get("/issues.json?status_id=1", KEY).hit, "it is there again")
    assert len(fake.seen(lambda request: request.target == "/projects.json")) == 1, "the watcher asks in other words"


def clock(minutes):
    """The time on the wall so many minutes from now, and how many milliseconds it takes until then."""
    then = (int(time.time()) // 60 + minutes) * 60
    return time.strftime("%H:%M", time.localtime(then)), (then - time.time()) * 1000


def test_at_a_moment_all_is_asked_once(warm, fake):
    at, left = clock(30)
    daemon = warm(["wall /projects.json", "wall /issues.json"], at=at)
    assert settled(lambda: len(fake.seen())) == 0
    daemon.advance(int(left) + 1000)
    fake.wait_seen("/issues.json")
    until(lambda: daemon.get("/issues.json", KEY).hit, "it is there")
    assert settled(lambda: len(fake.seen("/projects.json"))) == 1
    daemon.advance(60_000)
    assert settled(lambda: len(fake.seen("/projects.json"))) == 1
    daemon.advance(86_400_000)
    fake.wait_seen("/projects.json", 2)


def test_within_a_span_it_is_kept_so(warm, fake):
    begin, left = clock(30)
    daemon = warm(["wall /projects.json"], at=f"{begin}-{clock(90)[0]}")
    assert settled(lambda: len(fake.seen())) == 0
    daemon.advance(int(left) + 1000)
    fake.wait_seen("/projects.json")
    until(lambda: daemon.get("/projects.json", KEY).hit, "it is there")  # as old as the clock says before it moves
    daemon.advance(120_000)  # its lifetime is over
    fake.wait_seen("/projects.json", 2)
    daemon.advance(3_600_000)
    before = settled(lambda: len(fake.seen("/projects.json")))
    daemon.advance(600_000)
    assert settled(lambda: len(fake.seen("/projects.json"))) == before


def test_on_other_days_it_rests(warm, fake):
    other = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][(time.localtime().tm_wday + 4) % 7]
    daemon = warm(["wall /projects.json"], at=f"{other} 00:00-24:00")
    assert settled(lambda: len(fake.seen())) == 0
    daemon.advance(4 * 86_400_000)
    fake.wait_seen("/projects.json")


@pytest.mark.parametrize("at", ["6.30", "25:00", "mo 06:30", "06:30-06:30"])
def test_wrong_times(warm, at):
    with pytest.raises(StartFailed) as failed:
        warm(["wall /projects.json"], at=at)
    assert f'"{at}"' in failed.value.stderr and re.search(r"conf:\d+: at: ", failed.value.stderr)


def test_failures_are_said_once_and_end_nothing(warm, fake):
    fake.on("/issues.json", reply(500, b"no"))
    daemon = warm(["wall /issues.json", "wall /issues.json?x=1"])
    daemon.logged(r"warm: /issues.json: status 500")
    fake.wait_seen("/issues.json", 6)
    assert len(re.findall("warm: ", daemon.stderr)) == 1
    fake.routes.clear()
    until(lambda: daemon.get("/issues.json?x=1", KEY).hit, "it is there in the end")


def test_a_daemon_that_stops_does_not_wait_for_it(warm, fake):
    with fake.hold("/issues.json") as gate:
        daemon = warm(["wall /issues.json"])
        gate.arrived()
        daemon.stop()


@pytest.mark.parametrize(
    "read, says",
    [
        ("nobody /issues.json", 'no \\[session "nobody"\\]'),
        ("/issues.json", "SESSION /PATH"),
        ("wall issues.json", "SESSION /PATH"),
        ("wall /issues.json more", "SESSION /PATH"),
    ],
)
def test_wrong_settings(warm, read, says):
    with pytest.raises(StartFailed) as failed:
        warm([read])
    assert re.search(says, failed.value.stderr)
