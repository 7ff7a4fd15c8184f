"""Redmine misbehaves: clients get the truth, and the daemon goes on."""

import gzip
import os

import pytest

import wire
from behaviours import CLOSE, head, in_turn, json_reply, READ, reply, RESET, script

JSON = ("Content-Type", "application/json")
BIG = b"[" + b"1," * 100_000 + b"1]"

# Ways to fail before anything of the answer can be passed on.
NO_ANSWER = {
    "reset before reading": [RESET],
    "reset after the request": [READ, RESET],
    "close after the request": [READ, CLOSE],
    "reset in the status line": [READ, b"HTTP/1.1 20", RESET],
    "close in the head": [READ, b"HTTP/1.1 200 OK\r\nContent-Type: app", CLOSE],
    "reset in the head": [READ, b"HTTP/1.1 200 OK\r\nContent-Type: app", RESET],
    "only interim": [READ, head(103, (), "Early"), CLOSE],
    "not http": [READ, b"SSH-2.0-OpenSSH_9.2\r\n", CLOSE],
    "http/0.9": [READ, b"<html>hello</html>", CLOSE],
    "no status": [READ, b"HTTP/1.1 OK\r\n\r\n", CLOSE],
    "status of four digits": [READ, b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", CLOSE],
    "negative length": [READ, b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", CLOSE],
    "length no number": [READ, b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello", CLOSE],
    "two lengths": [READ, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 3\r\n\r\nhello", CLOSE],
}

# Ways to fail with the answer begun.
CUT = {
    "short of its length": [READ, head(200, [JSON, ("Content-Length", len(BIG) + 1)]), BIG, CLOSE],
    "reset in the body": [READ, head(200, [JSON, ("Content-Length", len(BIG))]), BIG[:1000], RESET],
    "no body at all": [READ, head(200, [JSON, ("Content-Length", len(BIG))]), CLOSE],
    "chunks without end": [READ, head(200, [JSON, ("Transfer-Encoding", "chunked")]), wire.chunk(BIG), CLOSE],
    "in a chunk": [READ, head(200, [JSON, ("Transfer-Encoding", "chunked")]), b"ffff\r\nabc", CLOSE],
    "in the last chunk's end": [
        READ,
        head(200, [JSON, ("Transfer-Encoding", "chunked")]),
        wire.chunk(BIG) + b"0\r\n",
        CLOSE,
    ],
    "bad chunk size": [READ, head(200, [JSON, ("Transfer-Encoding", "chunked")]), wire.chunk(BIG) + b"xyz\r\n", CLOSE],
}


@pytest.mark.parametrize("name", NO_ANSWER)
def test_no_answer_is_502(daemon, fake, fresh, name):
    fake.drop_connections()
    fake.on("/issues.json", script(*NO_ANSWER[name]))
    target = fresh()
    answer = daemon.get(target)
    assert answer.status == 502 and answer.whole and answer.body
    assert not answer.cache.get("stored")
    assert len(fake.seen()) <= 2
    fake.on("/issues.json", json_reply(b"{}"))
    again = daemon.get(target)
    assert (again.status, again.hit, again.text) == (200, False, "{}")


@pytest.mark.parametrize("name", CUT)
@pytest.mark.parametrize("limit", ["kept", "streamed"])
def test_cut_answer_is_never_whole_and_never_kept(launch, daemon, fake, fresh, name, limit):
    under_test = daemon if limit == "kept" else launch({"cache.object_limit": "4K"})
    fake.on("/issues.json", script(*CUT[name]))
    target = fresh()
    try:
        answer = under_test.get(target)
        assert answer.status == 502 or answer.broken, answer
        assert not answer.cache.get("stored")
    except wire.Broken:
        pass
    fake.on("/issues.json", json_reply(b"{}"))
    again = under_test.get(target)
    assert (again.status, again.hit, again.text) == (200, False, "{}")


@pytest.mark.parametrize("limit", ["8M", "4K"])
@pytest.mark.parametrize(
    "data",
    [b"not gzip!", gzip.compress(BIG)[:-9], gzip.compress(os.urandom(20_000))[:15_000]],
    ids=["none", "no end", "half"],
)
def test_broken_compression_is_neither_whole_nor_kept(launch, fake, fresh, limit, data):
    daemon = launch({"upstream.compression": "yes", "cache.object_limit": limit})
    fake.on("/issues.json", reply(200, data, [JSON, ("Content-Encoding", "gzip")]))
    target = fresh()
    try:
        answer = daemon.get(target)
        assert answer.status == 502 or answer.broken, answer
    except wire.Broken:
        pass
    fake.on("/issues.json", json_reply(b"{}"))
    again = daemon.get(target)
    assert (again.status, again.hit, again.text) == (200, False, "{}")


def test_cut_answer_of_unknown_length_to_an_old_client(daemon, fake, fresh):
    """HTTP/1.0 has only the close to tell the end by: a cut answer must end in an error, not in order."""
    fake.on("/issues.json", script(*CUT["chunks without end"]))
    with daemon.connect() as connection:
        connection.ask("GET", fresh(), version="HTTP/1.0")
        data, in_order = connection.stream.rest()
    assert (
        data.startswith(b"HTTP/1.1 502 ")
        or data.startswith(b"HTTP/1.0 502 ")
        or not in_order
        or not data.endswith(b"1]")
    )


def test_bytes_after_an_answer_poison_nothing(daemon, fake, fresh):
    smuggled = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 6\r\n\r\npoison"
    fake.on("/issues.json", script(READ, head(200, [JSON, ("Content-Length", 2)]), b"{}" + smuggled), times=1)
    first = daemon.get(fresh())
    assert first.status in (200, 502) and (first.body == b"{}" or first.status == 502)
    for _ in range(5):
        assert b"poison" not in daemon.get(fresh("/issues/1.json")).body
        assert b"poison" not in daemon.request("PUT", "/some/thing", body=b"x").body


def test_body_on_answers_that_have_none_poisons_nothing(daemon, fake, fresh):
    fake.on("/some/thing", script(READ, head(204), b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"), times=1)
    assert daemon.request("PUT", "/some/thing", body=b"x").status in (204, 502)
    for _ in range(5):
        assert b"poison" not in daemon.get(fresh("/issues/1.json")).body


def test_unasked_bytes_on_an_idle_connection(daemon, fake, fresh):
    """A 408 that puma sends when it closes an idle connection answers no later request."""
    sockets = []
    fake.on("/trackers.json", lambda exchange: (sockets.append(exchange), exchange.answer(200, b"{}")))
    daemon.get(fresh("/trackers.json"))
    sockets[0].send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 6\r\n\r\npoison")
    for _ in range(3):
        answer = daemon.get(fresh("/issues/1.json"))
        assert answer.status == 200 and b"poison" not in answer.body


@pytest.mark.parametrize(
    "line", ["X-Odd: a\0b", "X-Odd: a\rb", "X-Odd: a\r\n folded", "no colon here", "X Odd: a", ": a", "X-Odd : a"]
)
def test_odd_fields_of_an_answer_do_no_harm(daemon, fake, fresh, line):
    head_ = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + line.encode() + b"\r\nContent-Length: 2\r\n\r\n{}"
    )
    fake.on("/issues.json", script(READ, head_))
    target = fresh()
    with daemon.connect() as connection:
        for _ in range(2):
            answer = connection.get(target)
            assert answer.status in (200, 502)
            assert answer.status == 502 or answer.text == "{}"
            assert not set(answer.raw.replace(b"\r\n", b"")) & set(b"\0\r\n"), answer.raw
        assert connection.get("/trackers.json").status == 200


@pytest.mark.parametrize("blank", [" ", "\t"])
def test_a_field_of_two_lines_is_not_cut_to_one(daemon, fake, fresh, blank):
    """RFC 9112 section 5.2: such an answer is replaced by a 502, or the line joined."""
    line = f"Cache-Control: max-age=600,\r\n{blank}no-store".encode()
    fake.on("/some/page", script(READ, b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 2\r\n\r\n{}"))
    target = fresh("/some/page")
    for _ in range(2):
        answer = daemon.get(target)
        assert answer.status == 502 and "more than one line" in answer.text
    assert daemon.get(fresh("/trackers.json")).status == 200


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_errors_of_redmine_are_its_own(daemon, fake, fresh, status):
    page = b'{"status":%d,"error":"Internal Server Error"}' % status
    fake.on("/issues.json", reply(status, page, [JSON, ("Retry-After", "7")]))
    answer = daemon.get(fresh())
    assert (answer.status, answer.body, answer.get("Retry-After")) == (status, page, "7")


def test_redmine_that_is_down_and_comes_back(daemon, fake, fresh):
    kept = fresh("/issues/1.json")
    daemon.get(kept)
    fake.stop()
    try:
        for _ in range(3):
            answer = daemon.get(fresh())
            assert answer.status == 502 and answer.body
        assert daemon.get(kept).hit
    finally:
        fake.start()
    assert daemon.get(fresh()).status == 200


def test_restart_of_redmine_between_two_reads(daemon, fake, fresh):
    for _ in range(5):
        assert daemon.get(fresh()).status == 200
        fake.drop_connections()
    for _ in range(5):
        assert daemon.get(fresh()).status == 200
        fake.stop()
        fake.start()


def test_broken_interim_answers_in_plenty(daemon, fake, fresh):
    fake.on(
        "/issues.json",
        script(READ, *[head(103, {"Link": "x" * 500}, "Early")] * 2000, head(200, {"Content-Length": 0})),
    )
    assert daemon.get(fresh()).status in (200, 502)
    assert daemon.get("/trackers.json").status == 200


def test_reads_alternate_with_failures(daemon, fake, fresh):
    fake.on("/issues.json", in_turn(*[script(READ, RESET), json_reply(b"{}")] * 10))
    for _ in range(10):
        target = fresh()
        statuses = [daemon.get(target).status for _ in range(3)]
        assert set(statuses) <= {200, 502} and statuses[-1] == 200
