"""Bodies larger than memory ought to hold pass through in constant memory, at the pace of the slower side."""

import socket
import threading

import pytest

import wire
from behaviours import head, huge_reply, json_reply, READ, reply, script
from daemon import instrumented, until
from fake_redmine import settled
from redmine_model import ADMIN_KEY

HUGE = 300_000_000
MEGABYTE = 1 << 20
# What the sockets of both hops, and the daemon between, may hold of a body nobody reads.
IN_FLIGHT = 48 * MEGABYTE
UPLOAD = [("X-Redmine-API-Key", ADMIN_KEY), ("Content-Type", "application/octet-stream")]


@pytest.fixture(scope="module")
def huge_sum():
    return wire.sha256_of(wire.blocks(HUGE))


def growth_limit():
    """64 MB above idle; sanitizers keep shadows and freed blocks, which are not the daemon's doing."""
    return (192 if instrumented() else 64) * MEGABYTE


class Watch:
    """The most memory that the daemon had, over what it has idle, while a block runs."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.ended = threading.Event()
        self.growth = 0

    def __enter__(self):
        assert self.daemon.get("/trackers.json").status == 200
        self.idle = self.daemon.resident()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def look(self):
        while not self.ended.wait(0.01):
            self.growth = max(self.growth, self.daemon.resident() - self.idle)

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_huge_download(daemon, fake, fresh, framing, huge_sum):
    fake.on("/attachments/download/7/huge.bin", huge_reply(HUGE, framing=framing))
    with Watch(daemon) as watch:
        answer = daemon.get(fresh("/attachments/download/7/huge.bin"))
    assert answer.whole and (answer.content.size, answer.content.sha256) == (HUGE, huge_sum)
    assert watch.growth < growth_limit()


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_huge_upload(daemon, fake, fresh, framing, huge_sum):
    fake.on("/uploads.json", json_reply(b'{"upload":{"id":1}}', 201))
    fields = UPLOAD + ([("Content-Length", str(HUGE))] if framing == "length" else [])
    with Watch(daemon) as watch:
        answer = daemon.request("POST", fresh("/uploads.json"), fields, wire.blocks(HUGE))
    assert answer.status == 201
    seen = fake.last("/uploads.json")
    assert (seen.body.size, seen.body.sha256) == (HUGE, huge_sum)
    assert watch.growth < growth_limit()


@pytest.mark.parametrize("kind", ["attachments/download/7/huge.bin", "issues.json", "some/page"])
def test_client_that_does_not_read_holds_redmine_back(daemon, fake, fresh, kind):
    fake.on(f"/{kind}", huge_reply(HUGE, [("Content-Type", "application/json")]))
    with daemon.connect(receive_buffer=65536) as connection:
        with Watch(daemon) as watch:
            connection.ask("GET", fresh(f"/{kind}")).head()
            sent = settled(lambda: fake.last().sent)
        assert sent < IN_FLIGHT, f"Redmine could send {sent} bytes to a client that reads nothing"
        assert watch.growth < growth_limit()
        before = connection.stream.received
        while connection.stream.received - before < 2 * IN_FLIGHT:
            connection.stream.some(wire.BLOCK)
        assert fake.last().sent > sent, "nothing flows after the client reads again"
        connection.reset()
    fake.wait_idle()


def test_redmine_that_does_not_read_holds_the_client_back(daemon, fake, fresh):
    gate = fake.gate()
    fake.on("/uploads.json", script(gate, READ, head(201, {"Content-Length": 0})))
    sent = [0]
    with daemon.connect(send_buffer=65536) as connection, Watch(daemon) as watch:
        connection.ask("POST", fresh("/uploads.json"), UPLOAD + [("Content-Length", str(HUGE // 2))])

        def upload():
            for block in wire.blocks(HUGE // 2):
                connection.send(block)
                sent[0] += len(block)

        thread = threading.Thread(target=upload)
        thread.start()
        gate.arrived()
        held = settled(lambda: sent[0])
        assert 0 < held < IN_FLIGHT, f"the daemon took {held} bytes that Redmine did not"
        gate.open()
        thread.join()  # each of its steps has a limit
        assert connection.answer().status == 201
    assert fake.last().body.size == HUGE // 2
    assert watch.growth < growth_limit()


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_the_start_arrives_before_the_end_was_sent(launch, fake, fresh, framing):
    daemon = launch({"cache.object_limit": "64K"})
    gate = fake.gate()
    data = bytes(1 << 20)
    if framing == "length":
        fake.on("/some/file", script(READ, head(200, {"Content-Length": 2 << 20}), data, gate, data))
    else:
        parts = [head(200, {"Transfer-Encoding": "chunked"}), wire.chunk(data), gate, wire.chunk(data), b"0\r\n\r\n"]
        fake.on("/some/file", script(READ, *parts))
    with daemon.connect() as connection:
        answer = connection.ask("GET", fresh("/some/file")).head()
        parts = connection.parts(answer)
        size = 0
        while size < len(data) // 2:
            size += len(next(parts))
        gate.open()
        assert size + sum(map(len, parts)) == 2 << 20


def test_the_start_of_an_upload_arrives_before_its_end(daemon, fake, fresh):
    arrived = threading.Event()

    def behave(exchange):
        for _ in exchange.parts():
            arrived.set()
        exchange.answer(201)

    fake.on("/uploads.json", behave)
    with daemon.connect() as connection:
        connection.ask("POST", fresh("/uploads.json"), UPLOAD + [("Content-Length", str(2 << 20))])
        connection.send(bytes(1 << 20))
        assert arrived.wait(wire.LIMIT), "nothing of the upload reaches Redmine while the rest is not sent"
        connection.send(bytes(1 << 20))
        assert connection.answer().status == 201


def test_client_that_leaves_a_download_ends_it_upstream(daemon, fake, fresh):
    fake.on("/some/file", huge_reply(HUGE))
    with daemon.connect() as connection:
        connection.ask("GET", fresh("/some/file")).head()
        connection.reset()
    until(lambda: fake.last("/some/file").finished.is_set(), "the transfer upstream is ended")
    assert fake.last("/some/file").sent < HUGE
    assert daemon.get(fresh()).status == 200


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_upload_that_breaks_off_never_looks_whole(daemon, fake, fresh, framing):
    fake.on("/uploads.json", reply(201))
    with daemon.connect() as connection:
        fields = UPLOAD + [("Content-Length", "1000000") if framing == "length" else ("Transfer-Encoding", "chunked")]
        connection.ask("POST", fresh("/uploads.json"), fields)
        connection.send(bytes(200000) if framing == "length" else wire.chunk(bytes(200000)))
        fake.wait_seen("/uploads.json")
        connection.reset()
    fake.wait_idle()
    seen = fake.last("/uploads.json")
    assert not seen.body_read and seen.broken
    assert daemon.get(fresh()).status == 200


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("end", ["half close", "close", "reset"])
def test_upload_whose_client_vanishes_at_once_leaves_nothing_behind(daemon, fake, framing, end):
    """The end of the client comes with the head, before anything was set up for the body."""
    waiting = []
    for number in range(25):
        connection = daemon.connect()
        connection.send(
            f"POST /uploads.json?n={number} HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n5\r\nab".encode()
        )
        if end == "half close":
            connection.sock.shutdown(socket.SHUT_WR)
            waiting.append(connection)
        elif end == "close":
            connection.close()
        else:
            connection.reset()
    for connection in waiting:
        connection.stream.rest()
        connection.close()
    until(
        lambda: daemon.status["engine"]["busy"] == 0 and daemon.status["engine"]["queued"] == 0,
        "every worker is free again",
    )
    fake.wait_idle()
    assert not any(request.body_read for request in fake.seen("/uploads.json"))


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("size, kept", [(65536, True), (65537, False)])
def test_object_limit_decides_what_is_kept(launch, fake, fresh, framing, size, kept):
    daemon = launch({"cache.object_limit": "64K"})
    body = b'"' + b"x" * (size - 2) + b'"'
    fields = [("Content-Type", "application/json; charset=utf-8")]
    if framing == "length":
        fake.on("/issues.json", json_reply(body))
    else:
        fake.on(
            "/issues.json",
            script(READ, head(200, [*fields, ("Transfer-Encoding", "chunked")]), wire.chunk(body), b"0\r\n\r\n"),
        )
    target = fresh()
    answers = [daemon.get(target) for _ in range(2)]
    assert [answer.body == body and answer.whole for answer in answers] == [True, True]
    assert answers[1].hit == kept
    assert bool(answers[0].cache.get("stored")) == kept


@pytest.mark.parametrize("count", [8])
def test_many_clients_of_one_large_answer(launch, fake, fresh, count):
    """Waiters of an answer that turns out too large to be kept still get the whole of it."""
    daemon = launch({"cache.object_limit": "64K"})
    size = 5_000_000
    expected = wire.sha256_of(wire.blocks(size))
    fake.on("/issues.json", huge_reply(size, framing="chunked"))
    gate = fake.hold("/issues.json")
    target, answers = fresh(), []

    def ask():
        answers.append(daemon.get(target))

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    gate.arrived()
    daemon.catch_up()
    gate.open()
    for thread in threads:
        thread.join()  # each of its steps has a limit
    assert [(answer.status, answer.whole, answer.content.sha256) for answer in answers] == [
        (200, True, expected)
    ] * count


def test_slow_drip_from_redmine_arrives_whole(daemon, fake, fresh):
    fake.on(
        "/issues.json",
        script(
            READ,
            head(200, {"Content-Type": "application/json", "Content-Length": 200}),
            *[b"%d" % (n % 10) for n in range(200)],
        ),
    )
    assert daemon.get(fresh()).body == b"0123456789" * 20
