"""GET /-/events: what has changed, as it is known."""

import json

import pytest

from daemon import until
from redmine_model import ADMIN_KEY
from wire import LIMIT

ADMIN = [("X-Redmine-API-Key", ADMIN_KEY)]
JSON = [("Content-Type", "application/json")]
OPTIONS = {"events.clients": "4", "events.heartbeat": "1s"}


class Listener:
    """One that reads events as they come."""

    def __init__(self, daemon, last=None):
        self.connection = daemon.connect()
        fields = [("Last-Event-ID", last)] if last else []
        self.connection.ask("GET", "/-/events", fields)
        self.head = self.connection.head()
        self.parts = self.connection.parts(self.head)
        self.text = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def next(self):
        """The next block: {"event": …, "data": …, "id": …}; a comment is {}."""
        while b"\n\n" not in self.text:
            self.text += next(self.parts)
        block, _, self.text = self.text.partition(b"\n\n")
        lines = [line.partition(": ") for line in block.decode().splitlines() if not line.startswith(":")]
        return {name: value for name, _, value in lines}

    def event(self):
        while True:
            block = self.next()
            if block:
                return block


def note(daemon, number):
    return daemon.request("PUT", f"/issues/{number}.json", ADMIN + JSON, b'{"issue":{"notes":"secret words"}}')


def test_writes_are_told(daemon, fake):
    with Listener(daemon) as listener:
        assert listener.head.get("Content-Type") == "text/event-stream"
        assert "no-store" in listener.head.get("Cache-Control")
        assert note(daemon, 3).status == 204
        event = listener.event()
        assert event["event"] == "change"
        assert json.loads(event["data"]) == {
            "source": "write",
            "tags": ["issues", "mixed", "issue:3"],
            "url": "/issues/3.json",
        }
        assert daemon.request("PUT", "/issues/4.json", ADMIN + JSON, b"{}").status in (204, 422)
        assert "issue" in json.loads(listener.event()["data"])["tags"]  # of which nothing is known


def test_what_changed_nothing_is_not_told(daemon, fake):
    with Listener(daemon) as listener:
        assert daemon.request("DELETE", "/issues/99999.json", ADMIN).status == 404
        assert note(daemon, 5).status == 204
        assert json.loads(listener.event()["data"])["tags"][-1] == "issue:5"


def test_several_listen(daemon, fake):
    with Listener(daemon) as one, Listener(daemon) as other:
        assert note(daemon, 3).status == 204
        assert one.event() == other.event()


def test_resumes_after_the_last_one_seen(daemon, fake):
    with Listener(daemon) as listener:
        note(daemon, 3)
        first = listener.event()
    note(daemon, 4)
    note(daemon, 5)
    with Listener(daemon, first["id"]) as listener:
        tags = [json.loads(listener.event()["data"])["tags"][-1] for _ in range(2)]
    assert tags == ["issue:4", "issue:5"]


@pytest.mark.parametrize("last", ["00000000-1", "nonsense", "1", "ffffffff-99999999999999999999"])
def test_one_who_missed_something_is_told(daemon, fake, last):
    with Listener(daemon, last) as listener:
        assert listener.event()["event"] == "lost"
        note(daemon, 3)
        assert listener.event()["event"] == "change"


def test_slow_listener_is_bounded(daemon, fake):
    with Listener(daemon) as listener:
        first = None
        note(daemon, 3)
        first = listener.event()["id"]
    for _ in range(1100):
        assert note(daemon, 3).status == 204
    with Listener(daemon, first) as listener:
        assert listener.event()["event"] == "lost"


def test_heartbeats(daemon, fake):
    with Listener(daemon) as listener:
        assert listener.next() == {}  # the greeting
        assert listener.next() == {}


def test_no_more_than_allowed(daemon, fake):
    listeners = [Listener(daemon) for _ in range(4)]
    try:
        answer = daemon.get("/-/events")
        assert answer.status == 503 and answer.get("Retry-After") and "events.clients" in answer.text
    finally:
        for listener in listeners:
            listener.connection.close()

    def room():
        with Listener(daemon) as listener:
            return listener.head.status == 200

    until(room, "those who left are not counted any more")


def test_head_says_what_it_is(daemon, fake):
    answer = daemon.request("HEAD", "/-/events")
    assert answer.status == 200 and answer.get("Content-Type") == "text/event-stream"


def test_ends_with_the_daemon(launch, fake):
    daemon = launch()
    with Listener(daemon) as listener:
        assert listener.next() == {}
        daemon.stop(limit=LIMIT)
        assert list(listener.parts) == []


def test_web_pages_of_other_origins_are_told_nothing(launch, fake):
    """As an EventSource asks (HTML section 9.2): Origin on requests across origins only, and the browser's word of where from."""
    daemon = launch({**OPTIONS, "listen.allowed_origins": "https://dashboard.example.org"})
    stranger = [("Origin", "https://evil.example.org"), ("Sec-Fetch-Site", "cross-site"), ("Accept", "text/event-stream")]
    for fields in (stranger, stranger[:1], stranger[1:], [("Origin", "null")]):
        answer = daemon.get("/-/events", fields)
        assert answer.status == 403 and not answer.get("Access-Control-Allow-Origin"), fields
    own = [("Sec-Fetch-Site", "same-origin")]
    listed = [("Origin", "https://dashboard.example.org"), ("Sec-Fetch-Site", "cross-site")]
    for fields in (own, listed):
        answer = daemon.request("HEAD", "/-/events", fields)
        assert answer.status == 200 and answer.get("Access-Control-Allow-Origin") == dict(fields).get("Origin")
    assert "redmine_cached_changes_listeners 0\n" in daemon.get("/-/metrics").text
