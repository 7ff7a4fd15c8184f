"""However many ask the same at a time, Redmine is asked once, and nobody depends on another's patience."""

import itertools
import threading
import time

import pytest

import wire
from behaviours import CLOSE, head, in_turn, json_reply, READ, reply, RESET, script
from client import Connection
from redmine_model import ADMIN_KEY, SESSION

OPTIONS = {"listen.max_connections": 1200}


class Herd:
    """Many clients of one URL, each on a connection of its own, all asked before any is answered."""

    def __init__(self, daemon, target, count, fields=(), method="GET"):
        self.method = method
        self.connections = [daemon.connect() for _ in range(count)]
        for connection in self.connections:
            connection.ask(method, target, fields)

    def answers(self):
        return [connection.answer(self.method) for connection in self.connections]

    def leave(self, which):
        for connection in self.connections[which]:
            connection.reset()
        del self.connections[which]

    def close(self):
        for connection in self.connections:
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def test_500_clients_one_fetch(daemon, fake, fresh):
    target = fresh()
    with fake.hold("/issues.json") as gate:
        herd = Herd(daemon, target, 500)
        gate.arrived()
        daemon.catch_up()
    with herd:
        answers = herd.answers()
    assert all(answer.status == 200 and answer.whole for answer in answers)
    assert len({answer.body for answer in answers}) == 1
    assert len(fake.seen("/issues.json")) == 1
    collapsed = sum(bool(answer.cache.get("collapsed")) for answer in answers)
    assert collapsed == 499
    assert daemon.get(target).hit


@pytest.mark.parametrize(
    "which",
    [slice(0, 100), slice(100, 200), slice(0, 199), slice(0, 1)],
    ids=["first half", "second half", "all but the last", "the leader"],
)
def test_clients_that_leave_harm_nobody(daemon, fake, fresh, which):
    target = fresh()
    with fake.hold("/issues.json") as gate:
        herd = Herd(daemon, target, 200)
        gate.arrived()
        daemon.catch_up()
        herd.leave(which)
    with herd:
        assert all(answer.status == 200 and answer.whole for answer in herd.answers())
    assert len(fake.seen("/issues.json")) == 1


def test_all_leave(daemon, fake, fresh):
    target = fresh()
    with fake.hold("/issues.json") as gate:
        herd = Herd(daemon, target, 50)
        gate.arrived()
        herd.leave(slice(0, 50))
    fake.wait_idle()
    answer = daemon.get(target)
    assert answer.status == 200 and answer.whole
    assert len(fake.seen("/issues.json")) <= 2


@pytest.mark.parametrize(
    "steps",
    [[RESET], [CLOSE], [b"HTTP/1.1 nonsense\r\n\r\n", CLOSE], [head(200, {"Content-Length": 9}), b"x", CLOSE]],
    ids=["reset", "close", "nonsense", "cut"],
)
def test_failed_fetch_fails_its_waiters_once(daemon, fake, fresh, steps):
    """No stampede: the waiters do not turn to Redmine one after the other."""
    target = fresh()
    gate = fake.gate()
    fake.on("/issues.json", script(READ, gate, *steps))
    fake.drop_connections()
    herd = Herd(daemon, target, 100)
    gate.arrived()
    daemon.catch_up()
    gate.open()
    failures = 0
    with herd:
        for connection in herd.connections:
            try:
                answer = connection.answer()
                assert answer.status == 502 or answer.broken, answer
            except wire.Broken:
                pass
            failures += 1
    assert failures == 100
    assert len(fake.seen("/issues.json")) == 1
    fake.on("/issues.json", json_reply(b"{}"))
    assert daemon.get(target).text == "{}"


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_errors_of_redmine_are_shared_too(daemon, fake, fresh, status):
    target = fresh()
    fake.on("/issues.json", reply(status, b'{"status":1}', {"Content-Type": "application/json"}))
    with fake.hold("/issues.json") as gate:
        herd = Herd(daemon, target, 50)
        gate.arrived()
        daemon.catch_up()
    with herd:
        assert {(answer.status, answer.body) for answer in herd.answers()} == {(status, b'{"status":1}')}
    assert len(fake.seen("/issues.json")) == 1


def test_head_and_get_wait_together(daemon, fake, fresh):
    target = fresh()
    with fake.hold("/issues.json") as gate:
        first = Herd(daemon, target, 1)
        gate.arrived()
        heads, gets = Herd(daemon, target, 5, method="HEAD"), Herd(daemon, target, 5)
        daemon.catch_up()
    with first, heads, gets:
        body = first.answers()[0].body
        assert {answer.body for answer in gets.answers()} == {body}
        assert {answer.get("Content-Length") for answer in heads.answers()} == {str(len(body))}
    assert len(fake.seen("/issues.json")) == 1


def test_equal_by_normal_form_wait_together(daemon, fake, fresh):
    target = fresh("/issues.json?a=1&b=2")
    other = target.replace("a=1&b=2", "b=2&a=1")
    with fake.hold("/issues.json") as gate:
        one = Herd(daemon, target, 3)
        gate.arrived()
        two = Herd(daemon, other, 3)
        daemon.catch_up()
    with one, two:
        assert len({answer.body for answer in one.answers() + two.answers()}) == 1
    assert len(fake.seen("/issues.json")) == 1


def test_waiters_on_different_hosts_get_their_own_links(daemon, fake, fresh):
    target = fresh("/issues/1.json?include=attachments")
    with fake.hold("/issues/1.json") as gate:
        connections = []
        for host in (f"127.0.0.1:{daemon.port}", f"localhost:{daemon.port}") * 3:
            connections.append((host, daemon.connect().ask("GET", target, host=host)))
        gate.arrived()
        daemon.catch_up()
    for host, connection in connections:
        assert f'"content_url":"http://{host}/attachments' in connection.answer().text
        connection.close()
    assert len(fake.seen("/issues/1.json")) == 1


def test_waiters_with_conditions(daemon, fake, fresh):
    tag = daemon.get(fresh()).get("ETag")
    target = fresh()
    with fake.hold("/issues.json") as gate:
        plain = Herd(daemon, target, 2)
        gate.arrived(1)
        conditional = Herd(daemon, target, 2, {"If-None-Match": tag})
        daemon.catch_up()
    with plain, conditional:
        assert [answer.status for answer in plain.answers()] == [200, 200]
        assert [answer.status for answer in conditional.answers()] == [304, 304]


def test_leader_with_a_condition_does_not_give_waiters_a_304(daemon, fake, fresh):
    tag = daemon.get(fresh()).get("ETag")
    target = fresh()
    with fake.hold("/issues.json") as gate:
        conditional = Herd(daemon, target, 1, {"If-None-Match": tag})
        gate.arrived(1)
        plain = Herd(daemon, target, 2)
        daemon.catch_up()
    with plain, conditional:
        assert [answer.status for answer in conditional.answers()] == [304]
        assert [(answer.status, bool(answer.body)) for answer in plain.answers()] == [(200, True)] * 2


@pytest.mark.workers(3)
def test_sessions_are_never_merged(daemon, fake, fresh):
    target = fresh()
    with fake.hold("/issues.json") as gate:
        herd = Herd(daemon, target, 3, {"Cookie": f"Redmine={SESSION}"})
        gate.arrived(3)
    with herd:
        assert [answer.status for answer in herd.answers()] == [200] * 3


@pytest.mark.workers(4)
def test_an_answer_that_varies_is_for_those_who_sent_the_same(daemon, fake, fresh):
    """Vary may name a field that is part of no key."""
    target = fresh("/issues/1.json")

    def behave(exchange):
        fields = [("Content-Type", "application/json"), ("Vary", "Tenant")]
        exchange.answer(200, exchange.request.get("Tenant").encode(), fields)

    fake.on("/issues/1.json", behave)
    connections = []
    with fake.hold("/issues/1.json") as gate:
        for tenant in "abab":
            connection = daemon.connect()
            connection.ask("GET", target, [("Tenant", tenant)])
            connections.append(connection)
        gate.arrived()
        daemon.catch_up()
    assert [connection.answer().text for connection in connections] == list("abab")
    for connection in connections:
        connection.close()


@pytest.mark.workers(4)
def test_an_answer_that_varies_on_anything_is_its_askers_alone(daemon, fake, fresh):
    """RFC 9111 4.1. Those who waited for it ask for themselves, side by side."""
    target = fresh("/issues/1.json")
    count = itertools.count()
    together = threading.Barrier(4, timeout=20 * wire.PATIENCE)

    def behave(exchange):
        number = next(count)
        if number > 0:
            together.wait()
        exchange.answer(200, str(number).encode(), [("Content-Type", "application/json"), ("Vary", "*")])

    fake.on("/issues/1.json", behave)
    with fake.hold("/issues/1.json") as gate:
        herd = Herd(daemon, target, 9)
        gate.arrived()
        daemon.catch_up()
    with herd:
        answers = herd.answers()
    assert sorted(answer.text for answer in answers) == [str(number) for number in range(9)]
    assert all(answer.cache.get("collapsed") is None for answer in answers)
    assert len(fake.seen("/issues/1.json")) == 9


@pytest.mark.workers(4)
def test_different_questions_run_side_by_side(daemon, fake, fresh):
    with fake.hold("/issues.json") as gate:
        herds = [Herd(daemon, fresh(), 10) for _ in range(4)]
        gate.arrived(4)
    for herd in herds:
        with herd:
            assert all(answer.status == 200 for answer in herd.answers())
    assert len(fake.seen("/issues.json")) == 4


def test_hits_are_not_held_up_by_misses(daemon, fake, fresh):
    """Event threads never wait: with every worker and its queue busy, what is known is served at once."""
    known = fresh("/issues/2.json")
    daemon.get(known)
    with fake.hold("/issues.json") as gate:
        held = [Herd(daemon, fresh(), 1) for _ in range(100)]
        gate.arrived()
        started = time.monotonic()
        with daemon.connect() as connection:
            for _ in range(200):
                assert connection.get(known).hit
        assert time.monotonic() - started < wire.LIMIT
    for herd in held:
        with herd:
            assert herd.answers()[0].status == 200


def test_second_read_after_a_failure_starts_anew(daemon, fake, fresh):
    target = fresh()
    fake.on("/issues.json", in_turn(reply(500, b"no"), json_reply(b"{}")))
    assert daemon.get(target).status == 500
    assert daemon.get(target).text == "{}"
    assert daemon.get(target).hit


def test_herd_on_a_stale_entry(daemon, fake, fresh):
    target = fresh("/issues/8.json")
    daemon.get(target, [("X-Redmine-API-Key", ADMIN_KEY)])
    daemon.advance(3_600_000)
    with fake.hold("/issues/8.json") as gate:
        herd = Herd(daemon, target, 50, [("X-Redmine-API-Key", ADMIN_KEY)])
        gate.arrived(1)
        daemon.catch_up()
    with herd:
        assert all(answer.status == 200 and answer.whole for answer in herd.answers())
    assert len(fake.seen("/issues/8.json")) == 2


def test_keep_alive_clients_of_a_herd_go_on(daemon, fake, fresh):
    one, two = fresh(), fresh()
    with fake.hold("/issues.json") as gate:
        herd = Herd(daemon, one, 30)
        gate.arrived()
    with herd:
        assert all(answer.status == 200 for answer in herd.answers())
        for connection in herd.connections:
            connection.ask("GET", two)
        assert all(answer.status == 200 for answer in herd.answers())
    assert len(fake.seen("/issues.json")) == 2


def test_128_clients_ready_at_once(daemon, fake, fresh):
    """Event loops with an array of fixed size have stopped at exactly this number."""
    target = fresh()
    daemon.get(target)
    for count in (128, 256):
        connections = [Connection(daemon.address) for _ in range(count)]
        barrier = threading.Barrier(8)

        def ask(share):
            barrier.wait()
            for connection in share:
                connection.ask("GET", target)

        threads = [threading.Thread(target=ask, args=(connections[number::8],)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(connection.answer().hit for connection in connections)
        for connection in connections:
            connection.close()
