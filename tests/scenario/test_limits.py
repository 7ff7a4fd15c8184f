"""Everything has a limit; past it a clear refusal comes at once, and every wait ends."""

import contextlib
import time

import pytest

import wire
from behaviours import head, huge_reply, json_reply, READ, reply, script
from daemon import until
from fake_redmine import Gate, Silence
from redmine_model import ADMIN_KEY
from wire import PATIENCE

# Short, for there is no other way to see a time limit; each limit is told from the others by its size.
SHORT = {
    "listen.header_timeout": "1s",
    "listen.idle_timeout": "2s",
    "upstream.timeout": "1s",
    "upstream.connect_timeout": "1s",
}


@contextlib.contextmanager
def soon():
    """Before the least of the limits that there are without SHORT would end it."""
    started = time.monotonic()
    yield
    took = time.monotonic() - started
    assert took < 9 * PATIENCE, f"took {took:.1f} s"


def serves(daemon, target):
    """Whoever is slow himself may be told 504."""
    until(lambda: daemon.get(target).status == 200, f"{target} is answered")


# Sizes.


def test_head_within_the_limit(launch, fake, fresh):
    daemon = launch({"listen.header_limit": "32K"})
    fields = [(f"X-Field-{number}", "v" * 400) for number in range(40)]
    assert daemon.get(fresh("/x"), fields).status == 404
    assert fake.last("/x").get("X-Field-39") == "v" * 400


@pytest.mark.parametrize("shape", ["one field", "many fields", "very many small"])
def test_head_too_large(daemon, fake, shape):
    fields = {
        "one field": [("X-Large", "v" * 100_000)],
        "many fields": [(f"X-Field-{number}", "v" * 1000) for number in range(100)],
        "very many small": [(f"X-{number}", "") for number in range(20_000)],
    }[shape]
    with daemon.connect() as connection:
        with contextlib.suppress(OSError):
            connection.ask("GET", "/issues.json", fields)
        assert connection.head().status == 431
    assert not fake.seen()
    assert daemon.get("/-/ready").status == 200


def test_target_too_long(daemon, fake):
    with daemon.connect() as connection:
        with contextlib.suppress(OSError):
            connection.ask("GET", "/issues.json?q=" + "x" * 100_000)
        assert connection.head().status == 414
    assert not fake.seen()


@pytest.mark.parametrize("size", list(range(4000, 24000, 1000)) + [8192 - 60, 8192, 16384])
def test_every_size_of_head_gets_an_answer(launch, fake, fresh, size):
    """At the edges of buffers connections have been closed without a word."""
    daemon = launch({"listen.header_limit": "32K"})
    fake.on("/x", reply(200, b"y"))
    answer = daemon.get(fresh("/x"), [("X-Large", "v" * size)])
    assert answer.status == 200 and len(fake.last("/x").get("X-Large")) == size


@pytest.mark.parametrize("size", [1000, 4000, 8000, 8192, 16000, 32000, 60000])
def test_large_heads_of_answers(launch, fake, fresh, size):
    """Passed on; what is far beyond any Redmine's may be refused, in so many words."""
    daemon = launch({"listen.header_limit": "32K"})
    fake.on("/issues.json", json_reply(b"{}", fields=[("X-Large", "v" * size)]))
    target = fresh()
    for _ in range(2):
        answer = daemon.get(target)
        if size > 20_000 and answer.status == 502:
            assert answer.body and answer.whole
            continue
        assert answer.status == 200 and len(answer.get("X-Large")) == size and answer.text == "{}"


def test_endless_head_of_an_answer(daemon, fake, fresh):
    fake.on(
        "/issues.json",
        script(READ, b"HTTP/1.1 200 OK\r\n", *[b"X-More: %s\r\n" % (b"v" * 8000)] * 400, b"Content-Length: 0\r\n\r\n"),
    )
    assert daemon.get(fresh()).status == 502
    assert daemon.get("/trackers.json").status == 200


@pytest.mark.parametrize("framing, times", [("length", 2), ("length", 64), ("chunked", 1.5), ("chunked", 64)])
def test_body_too_large(launch, fake, framing, times):
    """Who sends in chunks is heard out for a while before he is told; who goes on and on is cut off."""
    daemon = launch({"listen.body_limit": "1M"})
    limit, chunk = 1 << 20, bytes(1 << 16)
    fake.on("/uploads.json", reply(201))
    small = daemon.request("POST", "/uploads.json", body=bytes(limit) if framing == "length" else iter([chunk] * 16))
    assert small.status == 201 and fake.last().body.size == limit
    with daemon.connect() as connection:
        with contextlib.suppress(OSError):
            body = bytes(int(times * limit)) if framing == "length" else iter([chunk] * int(times * 16))
            connection.ask("POST", "/uploads.json?n=2", body=body)
        try:
            assert connection.head().status == 413
        except wire.Broken:
            assert (framing, times) == ("chunked", 64)
    until(
        lambda: all(request.finished.is_set() for request in fake.seen("/uploads.json?n=2")),
        "the refused upload is over",
    )
    assert not any(
        request.body_read for request in fake.seen("/uploads.json?n=2")
    ), "Redmine must not take it for whole"


def test_body_too_large_is_refused_before_it_is_sent(launch, fake):
    daemon = launch({"listen.body_limit": "1M"})
    with daemon.connect() as connection:
        connection.ask("POST", "/uploads.json", [("Content-Length", str(2 << 20)), ("Expect", "100-continue")])
        answer = connection.head()
    assert (answer.status, answer.interim) == (413, [])
    assert not fake.seen()


# Numbers.


def test_connections_over_the_limit(launch, fake, fresh):
    daemon = launch({"listen.max_connections": 8})
    until(lambda: daemon.status, "its status can be read")
    held = []
    refused = None
    for _ in range(9):
        connection = daemon.connect()
        held.append(connection)
        with contextlib.suppress(OSError):
            connection.ask("GET", fresh())
        answer = connection.answer()
        if answer.status != 200:
            refused = answer
            break
    assert refused and refused.status == 503 and int(refused.get("Retry-After")) > 0
    assert len(held) >= 8
    for connection in held:
        connection.close()
    until(lambda: daemon.get(fresh()).status == 200, "a free place is used again")


def fill(daemon, size, method, target):
    """One request that runs and as many that wait as there is room for: their connections."""
    held = []
    for number in range(size + 1):
        held.append(daemon.connect().ask(method, target(), body=b"1" if method == "POST" else None))
        until(lambda: daemon.status["engine"]["queued"] == number, f"{number} wait")
        until(lambda: daemon.status["engine"]["busy"] == 1, "one runs")
    return held


def test_queue_over_the_limit(launch, fake, fresh, engine):
    daemon = launch({f"engine.{engine}.workers": 1, f"engine.{engine}.queue": 2})
    with fake.hold("/issues.json"):
        held = fill(daemon, 2, "GET", fresh)
        refused = daemon.get(fresh())
        assert refused.status == 503 and int(refused.get("Retry-After")) > 0
        assert refused.cache.get("fwd") and not refused.cache.get("stored")
        assert daemon.get("/-/ready").status == 200
    for connection in held:
        assert connection.answer().status == 200
        connection.close()


@pytest.mark.parametrize("method", ["POST"])
def test_write_past_a_full_queue_is_not_sent(launch, fake, engine, method):
    daemon = launch({f"engine.{engine}.workers": 1, f"engine.{engine}.queue": 1})
    with fake.hold("/time_entries.json"):
        held = fill(daemon, 1, method, lambda: "/time_entries.json")
        refused = daemon.request(method, "/time_entries.json", body=b"2")
        assert refused.status == 503 and int(refused.get("Retry-After")) > 0
    for connection in held:
        assert connection.answer().status == 401
        connection.close()
    assert len(fake.seen("/time_entries.json")) == 2


# Time.


@pytest.fixture
def hasty(launch):
    return launch(SHORT)


def test_slow_head_is_cut(hasty, fake):
    with soon(), hasty.connect() as connection:
        with contextlib.suppress(OSError):
            connection.send(b"GET /issues.json HTTP/1.1\r\nHost: localhost\r\n")
            for _ in range(40):
                connection.send(b"X: y\r\n")
                connection.sock.settimeout(0.2)
                try:
                    connection.stream.fill()
                    break
                except TimeoutError:
                    continue
                except wire.Broken:
                    break
            else:
                raise AssertionError("a head may drip for ever")
    assert not fake.seen()


def test_silent_and_idle_connections_are_closed(hasty, fake, fresh):
    with soon(), hasty.connect() as silent, hasty.connect() as idle:
        assert idle.get(fresh()).status == 200
        assert idle.closed()
        assert silent.closed()


def test_upload_that_stops_is_cut(hasty, fake):
    with soon(), hasty.connect() as connection:
        connection.ask("POST", "/uploads.json", [("Content-Length", "100000")]).send(b"x" * 100)
        connection.stream.rest()
    fake.wait_idle()
    assert not any(request.body_read for request in fake.seen("/uploads.json"))


def test_client_that_takes_nothing_is_cut(hasty, fake, fresh):
    fake.on("/some/file", huge_reply(300_000_000))
    with hasty.connect(receive_buffer=65536) as connection:
        connection.ask("GET", fresh("/some/file"))
        until(
            lambda: fake.seen("/some/file") and fake.last("/some/file").finished.is_set(),
            "the transfer is given up",
        )
    assert fake.last("/some/file").sent < 300_000_000


def test_slow_upstream_is_504(hasty, fake, fresh):
    with soon(), fake.hold("/issues.json"):
        answer = hasty.get(fresh())
    assert answer.status == 504
    serves(hasty, "/trackers.json")


def test_slow_upstream_frees_its_worker(hasty, fake, fresh):
    with fake.hold("/issues.json"):
        for _ in range(3):
            assert hasty.get(fresh()).status == 504
        serves(hasty, fresh("/trackers.json"))


def test_upstream_that_drips_its_head_is_504(hasty, fake, fresh):
    def drip(exchange):
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        pause = Gate().condition
        for _ in range(200):
            exchange.send(b"z")
            with pause:
                pause.wait(0.05)

    fake.on("/issues.json", drip)
    with soon():
        assert hasty.get(fresh()).status == 504


def test_upstream_that_stops_in_a_body_is_cut(hasty, fake, fresh):
    gate = fake.gate()
    fake.on("/some/file", script(READ, head(200, {"Content-Length": 1000}), b"half", gate))
    with soon(), hasty.connect() as connection:
        connection.ask("GET", fresh("/some/file"))
        try:
            answer = connection.answer()
            assert answer.broken or answer.status in (502, 504)
        except wire.Broken:
            pass
    gate.open()


def test_connect_time_limit(launch, fake, fresh):
    silence = Silence()
    try:
        daemon = launch(SHORT, upstream=silence.base)
        with soon():
            assert daemon.get(fresh()).status in (502, 504)
    finally:
        silence.stop()


def test_waiters_of_a_slow_fetch_get_504_together(launch, fake, fresh):
    daemon = launch({**SHORT, "upstream.timeout": "3s"})  # who comes later than that leads a flight of his own
    target = fresh()
    with fake.hold("/issues.json"), soon():
        connections = [daemon.connect().ask("GET", target) for _ in range(30)]
        daemon.catch_up()
        assert {connection.answer().status for connection in connections} == {504}
    assert len(fake.seen("/issues.json")) == 1


# Requests that are none.


NONSENSE = {
    "no request line": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "two lengths": b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
    "length list": b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3, 5\r\n\r\nabcde",
    "negative length": b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "signed length": b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: +3\r\n\r\nabc",
    "hex length": b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0x3\r\n\r\nabc",
    "huge length": b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\nabc",
    "length and chunked": b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown coding": b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "huge chunk size": b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "space before colon": b"GET /x HTTP/1.1\r\nHost: localhost\r\nX-Field : y\r\n\r\n",
    "space in target": b"GET /x y HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no version": b"GET /x\r\nHost: localhost\r\n\r\n",
    "strange version": b"GET /x HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "target without slash": b"GET x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "connect": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
}
# Where the message ends cannot be told, so nothing after it may be read as a request (RFC 9112 section 6.3).
ENDLESS = {
    "two lengths",
    "length list",
    "negative length",
    "signed length",
    "hex length",
    "huge length",
    "length and chunked",
}
ENDLESS |= {"unknown coding", "bad chunk size", "huge chunk size"}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_refused_and_harmless(daemon, fake, name):
    fake.on(lambda request: True, reply(200, b"served"))
    with daemon.connect() as connection:
        connection.send(NONSENSE[name])
        try:
            answer = connection.answer()
            assert 400 <= answer.status < 600, answer
            if name in ENDLESS:
                assert connection.ends(), f"after {answer} the connection goes on"
        except wire.Broken:
            pass
    fake.wait_idle()
    assert not any(request.body_read for request in fake.seen()), "it reached Redmine as a whole request"
    until(lambda: daemon.status["engine"]["busy"] == 0, "no worker is left with it")


def test_bytes_after_a_request_are_no_part_of_it(daemon, fake, fresh):
    """A smuggled second request is answered as one of its own, never mixed into the first."""
    fake.on("/x", lambda exchange: exchange.answer(200, exchange.request.target.encode()))
    with daemon.connect() as connection:
        connection.send(
            b"GET /x?1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\nGET /x?2 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        assert [connection.answer().text for _ in range(2)] == ["/x?1", "/x?2"]


def test_descriptors_do_not_grow(daemon, fake, fresh):
    for _ in range(20):
        daemon.get(fresh())
    idle = daemon.descriptors()
    for number in range(300):
        with daemon.connect() as connection:
            connection.ask("GET", fresh(), [("X-Redmine-API-Key", ADMIN_KEY)])
            if number % 3 == 0:
                connection.reset()
            elif number % 3 == 1:
                connection.answer()
    fake.wait_idle()
    until(lambda: daemon.descriptors() <= idle + 8, f"descriptors fall back to about {idle}")
