"""Interim answers (1xx) of Redmine's reach those who wait, before the final one and beside nothing else."""

import threading

import pytest

import wire
from behaviours import CLOSE, head, reply, script
from client import Answer
from redmine_model import ADMIN_KEY
from test_coalescing import Herd

ADMIN = [("X-Redmine-API-Key", ADMIN_KEY)]
JSON = ("Content-Type", "application/json")
HINT = ("Link", "</style.css>; rel=preload")


class Slow:
    """Sends interim heads, and the final answer when it is let."""

    def __init__(self, *interims, body=b"final", fields=()):
        self.interims, self.body, self.fields = interims, body, fields
        self.go = threading.Event()
        self.sent = threading.Event()

    def __call__(self, exchange):
        exchange.read_body()
        for interim in self.interims:
            exchange.send(interim)
        self.sent.set()
        assert self.go.wait(wire.LIMIT)
        exchange.answer(200, self.body, [JSON, *self.fields])


def next_head(connection):
    return Answer(connection.stream.until(b"\r\n\r\n"))


@pytest.mark.parametrize(
    "method, path, fields",
    [
        ("GET", "/issues.json", []),
        ("GET", "/issues/1.json", ADMIN),
        ("HEAD", "/issues/2.json", []),
        ("GET", "/some/page", []),
        ("GET", "/issues.json", [("Cache-Control", "no-store")]),
        ("GET", "/my/page", [("Cookie", "a=b")]),
        ("POST", "/issues.json", ADMIN),
        ("DELETE", "/issues/3.json", ADMIN),
    ],
)
def test_reaches_a_client_that_waits(daemon, fake, fresh, method, path, fields):
    slow = Slow(head(103, [HINT, ("X-It", "is")], "Early Hints"), head(102, (), "Processing"))
    fake.on(path, slow)
    with daemon.connect() as connection:
        connection.get("/trackers.json")
        connection.ask(method, fresh(path), fields, b"{}" if method == "POST" else None)
        early, working = next_head(connection), next_head(connection)
        slow.go.set()
        assert (early.line, early.get("Link"), early.get("X-It")) == ("HTTP/1.1 103 Early Hints", HINT[1], "is")
        assert early.get("Via") == "1.1 redmine-cached"
        assert working.line == "HTTP/1.1 102 Processing"
        answer = connection.answer(method)
        assert (answer.status, answer.interim) == (200, []) and answer.whole
        assert connection.get("/trackers.json").status == 200


def test_what_is_stored_has_none(daemon, fake, fresh):
    target = fresh()
    fake.on("/issues.json", script(head(103, [HINT]), head(200, [JSON, ("Content-Length", "2")]), b"{}"))
    answer = daemon.get(target)
    assert [interim.status for interim in answer.interim] == [103] and not answer.has("Link")
    answer = daemon.get(target)
    assert answer.hit and answer.interim == [] and not answer.has("Link")


def test_everybody_who_waits_for_the_same_gets_it(daemon, fake, fresh):
    target = fresh("/issues/1.json")
    slow = Slow(head(103, [HINT, ("Set-Cookie", "a=b")]))
    fake.on("/issues/1.json", slow)
    with fake.hold("/issues/1.json") as gate:
        herd = Herd(daemon, target, 30)
        gate.arrived()
        daemon.catch_up()
    with herd:
        heads = [next_head(connection) for connection in herd.connections]
        slow.go.set()
        answers = herd.answers()
    assert [(early.status, early.get("Link"), early.get("Set-Cookie")) for early in heads] == [(103, HINT[1], None)] * 30
    assert all((answer.status, answer.interim) == (200, []) for answer in answers)
    assert len(fake.seen("/issues/1.json")) == 1


def test_fields_pass_as_those_of_a_final_answer(daemon, fake, fresh):
    link = f'<{fake.base}/a>; rel=next, </b>; title="<{fake.base}/c>"'
    fields = [
        ("Connection", "X-Hop"),
        ("X-Hop", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Link", link),
        ("Link", "<http://elsewhere.example/>"),
        ("Via", "1.1 before"),
    ]
    final = head(200, [("Content-Length", "0"), ("Link", link)])
    fake.on("/page", script(head(103, [*fields, ("Set-Cookie", "a=b")]), final))
    answer = daemon.get(fresh("/page"))
    (early,) = answer.interim
    base = f"http://127.0.0.1:{daemon.port}"
    led = f'<{base}/a>; rel=next, </b>; title="<{fake.base}/c>"'
    assert early.get("Link") == f"{led}, <http://elsewhere.example/>"
    assert [early.get(name) for name in ("Connection", "X-Hop", "Keep-Alive")] == [None] * 3
    assert early.all("Via") == ["1.1 before", "1.1 redmine-cached"]
    assert early.get("Set-Cookie") == "a=b", "a page, and somebody without a key"
    assert answer.get("Link") == led
    fake.on("/issues.json", script(head(103, [("Set-Cookie", "a=b")]), head(200, [("Content-Length", "0")])))
    assert daemon.get(fresh()).interim[0].get("Set-Cookie") is None


def test_what_each_hop_says_for_itself_is_not_passed_on(daemon, fake, fresh):
    fake.on("/page", script(head(100), head(103, [HINT]), head(200, [("Content-Length", "0")])))
    assert [interim.status for interim in daemon.get(fresh("/page")).interim] == [103]


def test_clients_of_http_1_0_get_none(daemon, fake, fresh):
    slow = Slow(head(103, [HINT]))
    fake.on("/page", slow)
    with daemon.connect() as connection:
        connection.ask("GET", fresh("/page"), version="HTTP/1.0")
        assert slow.sent.wait(wire.LIMIT)
        daemon.catch_up()
        slow.go.set()
        answer = connection.answer()
    assert (answer.status, answer.body, answer.interim) == (200, b"final", [])


def test_their_number_and_size_are_bounded(daemon, fake, fresh):
    many = [head(103, [("X-Number", str(number)), ("X-Pad", "x" * 900)]) for number in range(40)]
    large = head(103, [("X-Pad", "x" * 5000)])
    fake.on("/page", script(large, *many, head(200, [("Content-Length", "5")]), b"final"))
    with daemon.connect() as connection:
        answer = connection.get(fresh("/page"))
        assert (answer.status, answer.body) == (200, b"final")
        numbers = [int(interim.get("X-Number")) for interim in answer.interim]
        assert numbers == sorted(numbers) and len(numbers) <= 16
        assert connection.get("/trackers.json").status == 200


def test_they_never_stand_within_what_a_client_has_not_read(daemon, fake, fresh):
    """Where the socket is full of the answer before they are left out."""
    large = b"x" * 1_500_000
    slow = Slow(*[head(103, [("X-Pad", "x" * 3000)])] * 10)
    fake.on("/large", reply(200, large))
    fake.on("/page", slow)
    with daemon.connect(receive_buffer=4096) as connection:
        connection.ask("GET", fresh("/large")).ask("GET", fresh("/page"))
        slow.sent.wait(1)
        slow.go.set()
        first, second = connection.answer(), connection.answer()
    assert first.content.size == len(large) and (second.status, second.body) == (200, b"final")


@pytest.mark.parametrize("expect", [False, True])
def test_while_the_request_is_still_being_sent(daemon, fake, fresh, expect):
    half = threading.Event()

    def behave(exchange):
        for _ in exchange.parts():
            if not half.is_set():
                exchange.send(head(102, (), "Processing"))
                half.set()
        exchange.answer(201, b"done")

    fake.on("/uploads.json", behave)
    with daemon.connect() as connection:
        fields = [*ADMIN, ("Transfer-Encoding", "chunked"), *([("Expect", "100-continue")] if expect else [])]
        connection.ask("POST", fresh("/uploads.json"), fields)
        if expect:
            assert next_head(connection).status == 100
        connection.send(wire.chunk(b"x" * 1000))
        assert half.wait(wire.LIMIT)
        connection.send(wire.chunk(b"y" * 1000) + b"0\r\n\r\n")
        answer = connection.answer("POST")
    assert (answer.status, answer.body) == (201, b"done")
    assert [interim.status for interim in answer.interim] == [102]


def test_to_clients_that_have_gone(daemon, fake, fresh):
    target = fresh("/issues/1.json")
    slow = Slow(*[head(103, [HINT])] * 5)
    fake.on("/issues/1.json", slow)
    with fake.hold("/issues/1.json") as gate:
        herd = Herd(daemon, target, 20)
        gate.arrived()
        daemon.catch_up()
        herd.leave(slice(0, 19))
    with herd:
        assert next_head(herd.connections[0]).status == 103
        slow.go.set()
        (answer,) = herd.answers()
    assert (answer.status, answer.body) == (200, b"final")
    assert daemon.get(target).hit


def test_before_the_answer_breaks_off(daemon, fake, fresh):
    fake.on("/page", script(head(103, [HINT]), CLOSE))
    with daemon.connect() as connection:
        answer = connection.get(fresh("/page"))
        assert answer.status == 502 and [interim.status for interim in answer.interim] in ([103], [103, 103])
        assert connection.get("/trackers.json").status == 200

