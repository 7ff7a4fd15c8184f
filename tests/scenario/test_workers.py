"""Workers of the process engine that are killed, as a client sees it: what is known is said, nothing is made twice."""

import os
import re
import signal
from pathlib import Path

import pytest

import wire
from behaviours import READ, chunked_reply, head, reply, script
from daemon import until

pytestmark = pytest.mark.engines("process")

JSON = ("Content-Type", "application/json")
WRITE = [JSON, ("X-Redmine-API-Key", "whoever")]


def children(pid):
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def spawner(daemon):
    [pid] = children(daemon.process.pid)
    return pid


def workers(daemon, count=1):
    """Their process ids, as soon as there are so many."""
    return until(lambda: len(found := children(spawner(daemon))) == count and found, f"{count} workers")


def kill_one(daemon, number=signal.SIGKILL):
    [pid] = workers(daemon)
    os.kill(pid, number)
    return pid


def deaths(daemon):
    return int(re.search(r'engine_worker_deaths_total\{engine="process"\} (\d+)', daemon.get("/-/metrics").text)[1])


@pytest.fixture
def may_look(one):
    """Whoever runs the tests may read the memory of the daemon's processes: root may."""
    try:
        with open(f"/proc/{workers(one)[0]}/mem", "rb"):
            pass
    except PermissionError:
        pytest.skip("the memory of another process cannot be read here")


@pytest.fixture
def one(launch):
    """A daemon with one worker."""
    return launch({"engine.process.workers": 1})


def works_again(daemon, fresh, count):
    """There is another worker, and the deaths are counted."""
    assert daemon.get(fresh()).status == 200
    until(lambda: deaths(daemon) == count, f"{count} deaths are counted")
    assert len(workers(daemon)) == 1


def test_at_rest(one, fake, fresh):
    first = kill_one(one)
    until(lambda: workers(one) != [first], "another worker")
    works_again(one, fresh, 1)


def test_a_read_is_asked_again(one, fake, fresh):
    target = fresh()
    with fake.hold(target) as gate, one.connect() as connection:
        connection.ask("GET", target)
        gate.arrived(1)
        kill_one(one)
        gate.arrived(2)
        gate.open()
        assert connection.answer().status == 200
    assert len(fake.seen(target)) == 2
    assert one.get(target).hit
    works_again(one, fresh, 1)


def test_a_read_is_not_asked_for_ever(one, fake, fresh):
    target = fresh()
    with fake.hold(target) as gate, one.connect() as connection:
        connection.ask("GET", target)
        gate.arrived(1)
        first = kill_one(one)
        gate.arrived(2)
        until(lambda: workers(one) != [first], "another worker")
        kill_one(one)
        answer = connection.answer()
    assert answer.status == 502 and "the worker process ended" in answer.text
    assert len(fake.seen(target)) == 2
    works_again(one, fresh, 2)


def test_a_write_is_of_unknown_outcome(one, fake, fresh):
    """And what it may have changed is not served from before it."""
    read = fresh("/issues/1.json")
    assert one.get(read).status == 200 and one.get(read).hit
    with fake.hold("/issues/1.json", method="PUT") as gate, one.connect() as connection:
        connection.ask("PUT", "/issues/1.json", WRITE, b'{"issue":{"subject":"x"}}')
        gate.arrived(1)
        kill_one(one)
        answer = connection.answer()
    assert answer.status == 502 and "The outcome is unknown" in answer.text and "not sent again" in answer.text
    assert not answer.get("Retry-After")
    assert len(fake.seen(method="PUT")) == 1
    assert not one.get(read).hit
    works_again(one, fresh, 1)


def test_before_anything_was_sent(one, fake, fresh):
    """The worker has the request and has not looked at it: a read costs nothing, a write is never sent by another."""
    target = fresh()
    with one.connect() as connection:
        kill_one(one, signal.SIGSTOP)
        connection.ask("GET", target)
        until(lambda: one.status["engine"]["busy"] == 1, "the worker has the request")
        kill_one(one)
        assert connection.answer().status == 200
    assert len(fake.seen(target)) == 1
    until(lambda: deaths(one) == 1, "the death is counted")
    with one.connect() as connection:
        kill_one(one, signal.SIGSTOP)
        connection.ask("POST", "/issues.json", WRITE, b"{}")
        until(lambda: one.status["engine"]["busy"] == 1, "the worker has the request")
        kill_one(one)
        answer = connection.answer()
    assert answer.status == 502 and "The outcome is unknown" in answer.text
    assert not fake.seen(method="POST")
    works_again(one, fresh, 2)


def test_in_an_upload(one, fake, fresh):
    with one.connect() as connection:
        connection.ask(
            "POST", "/uploads.json", [("Content-Type", "application/octet-stream"), ("Content-Length", "2000000")]
        )
        connection.send(bytes(1_000_000))
        fake.wait_seen("/uploads.json")
        kill_one(one)
        until(lambda: deaths(one) == 1, "the death is counted")
        connection.send(bytes(1_000_000))
        answer = connection.answer()
    assert answer.status == 502 and "The outcome is unknown" in answer.text
    fake.wait_idle()
    [seen] = fake.seen("/uploads.json")
    assert not seen.body_read and seen.broken, "what is not whole does not look so"
    works_again(one, fresh, 1)


@pytest.mark.parametrize("limit", ["kept", "streamed"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_in_the_body_of_an_answer(launch, fake, fresh, limit, framing):
    daemon = launch({"engine.process.workers": 1, "cache.object_limit": "8M" if limit == "kept" else "4K"})
    body = b"[" + b"1," * 100_000 + b"1]"
    gate = fake.gate()
    if framing == "length":
        behaviour = script(READ, head(200, [JSON, ("Content-Length", len(body))]), body[:50_000], gate, body[50_000:])
    else:
        behaviour = chunked_reply([body[:50_000], gate, body[50_000:]], [JSON])
    fake.on("/issues.json", reply(200, body, [JSON]))
    fake.on("/issues.json", behaviour, times=1)
    target = fresh()
    with daemon.connect() as connection:
        connection.ask("GET", target)
        gate.arrived(1)
        if limit == "streamed":
            answer = connection.head()
            parts = connection.parts(answer)
            assert next(parts)
        kill_one(daemon)
        if limit == "streamed":
            with pytest.raises(wire.Broken):
                for _ in parts:
                    pass
        else:
            answer = None
            try:
                answer = connection.answer()
            except wire.Broken:
                pass
            if len(fake.seen("/issues.json")) == 2:  # its head had not come yet: it was asked again
                assert (answer.status, answer.body) == (200, body)
            else:
                assert answer is None or answer.status == 502 or answer.broken
    gate.open()
    fake.wait_idle()
    again = daemon.get(target)
    assert (again.status, again.body) == (200, body), "nothing of the half one was kept"
    assert len(fake.seen("/issues.json")) == 2
    works_again(daemon, fresh, 1)


def test_each_costs_one_request(launch, fake, fresh):
    """Of four at work one dies: the three others do not notice."""
    daemon = launch()
    targets = [fresh(f"/issues/{number}.json") for number in range(1, 5)]
    connections = [daemon.connect() for _ in targets]
    with fake.hold(lambda request: request.path.startswith("/issues/")) as gate:
        for connection, target in zip(connections, targets):
            connection.ask("GET", target)
        gate.arrived(4)
        before = workers(daemon, 4)
        os.kill(before[0], signal.SIGKILL)
        gate.arrived(5)
    for connection in connections:
        assert connection.answer().status == 200
        connection.close()
    assert len(set(before) & set(workers(daemon, 4))) == 3
    assert sorted(len(fake.seen(target)) for target in targets) == [1, 1, 1, 2]
    until(lambda: deaths(daemon) == 1, "the death is counted")


def test_the_spawner(one, fake, fresh):
    """It takes its worker along; another one stands by."""
    assert one.get(fresh()).status == 200
    os.kill(spawner(one), signal.SIGKILL)
    until(lambda: deaths(one) == 1, "the death is counted")
    assert one.get(fresh()).status == 200


def test_none_outlives_a_daemon_that_is_killed(launch, fake, fresh):
    daemon = launch()
    with fake.hold("/issues/1.json") as gate, daemon.connect() as connection:
        connection.ask("GET", fresh("/issues/1.json"))
        gate.arrived(1)
        family = [spawner(daemon), *workers(daemon, 4)]
        daemon.kill()
        until(lambda: not [pid for pid in family if Path(f"/proc/{pid}").exists()], "all of them are gone")
    daemon.start()
    assert daemon.get(fresh()).status == 200


LEFT = {name: f"{name}-{'7c0ffee5' * 4}" for name in ("key", "target", "field", "sent", "answer", "head")}


def left_in_memory(pid):
    """Which of the marks stand in a process's memory."""
    found = set()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            first, last, modes = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            size = int(last, 16) - int(first, 16)
            if "w" not in modes or size > 1 << 30:  # a sanitizer's shadow
                continue
            memory.seek(int(first, 16))
            try:
                there = memory.read(size)
            except OSError:  # pages that only the kernel may look at
                continue
            found |= {name for name, mark in LEFT.items() if mark.encode() in there}
    return found


@pytest.mark.usefixtures("may_look")
def test_nothing_of_a_job_is_left_in_a_worker(launch, fake, fresh):
    """Neither of what was asked, nor of what was answered; the one who looks is shown to see it while the job runs."""
    # A sanitizer has an allocator of its own, which is told to do what glibc's is asked for.
    one = launch(
        {"engine.process.workers": 1},
        env={"ASAN_OPTIONS": "exitcode=99:quarantine_size_mb=4:max_free_fill_size=1000000000"},
    )
    fields = [("X-Redmine-API-Key", LEFT["key"]), ("X-Mine", LEFT["field"]), JSON]
    answer = b'{"issue":"' + LEFT["answer"].encode() * 500 + b'"}'
    fake.on("/issues/1.json", reply(200, answer, [JSON, ("X-Head", LEFT["head"])]))
    fake.on("/issues.json", reply(201, answer, [JSON, ("X-Head", LEFT["head"])]), method="POST")
    for number in range(3):
        target = fresh("/issues/1.json") + f"&subject={LEFT['target']}-{number}"
        with fake.hold("/issues/1.json") as gate, one.connect() as connection:
            connection.ask("GET", target, fields)
            gate.arrived(1)
            [pid] = workers(one)
            assert {"key", "target", "field"} <= left_in_memory(pid)
            gate.open()
            assert LEFT["answer"] in connection.answer().text
        until(lambda: not left_in_memory(pid), "the worker has forgotten a read")
        with fake.hold("/issues/2.json") as gate, one.connect() as connection:
            one.get(fresh("/issues/1.json"), fields)
            connection.ask("GET", fresh("/issues/2.json"), [("X-Redmine-API-Key", "another")])
            gate.arrived(1)
            assert not left_in_memory(pid), "somebody else's job runs"
            gate.open()
            assert connection.answer().status == 200
        made = one.request("POST", "/issues.json", fields, b'{"issue":"' + LEFT["sent"].encode() * 3000 + b'"}')
        assert made.status == 201
        until(lambda: not left_in_memory(pid), "the worker has forgotten a write")
    assert workers(one) == [pid]
