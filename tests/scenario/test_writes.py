"""Writes: sent once, never repeated, told truly; and whoever wrote reads what he wrote."""

import json
import threading

import pytest

import wire
from behaviours import CLOSE, head, in_turn, json_reply, READ, reply, RESET, script
from daemon import until
from fake_redmine import Silence
from redmine_model import ADMIN_KEY, MANAGER_KEY, WRONG_KEY

ADMIN = [("X-Redmine-API-Key", ADMIN_KEY)]
MANAGER = [("X-Redmine-API-Key", MANAGER_KEY)]
JSON = [("Content-Type", "application/json")]
WRITES = ["POST", "PUT", "PATCH", "DELETE"]


def subject(answer):
    assert answer.status == 200, answer
    return json.loads(answer.text)["issue"]["subject"]


def put(daemon, number, text, fields=ADMIN):
    return daemon.request(
        "PUT", f"/issues/{number}.json", fields + JSON, json.dumps({"issue": {"subject": text}}).encode()
    )


class Asking(threading.Thread):
    """A request under way in the background; answer() waits for it."""

    def __init__(self, daemon, method, target, fields=(), body=None):
        super().__init__(daemon=True)
        self.arguments = (method, target, fields, body)
        self.daemon_under_test = daemon
        self.result = self.error = None
        self.start()

    def run(self):
        try:
            self.result = self.daemon_under_test.request(*self.arguments)
        except Exception as error:  # shown by answer()
            self.error = error

    def answer(self):
        self.join(wire.LIMIT)
        assert self.result is not None, f"no answer to {self.arguments[:2]}: {self.error}"
        return self.result


# Sent once, told truly.


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("point", ["request", "head", "half head"])
@pytest.mark.parametrize("end", [RESET, CLOSE], ids=["reset", "close"])
@pytest.mark.parametrize("reused", [False, True], ids=["new connection", "kept connection"])
def test_lost_answer_is_told_and_not_repeated(daemon, fake, fresh, method, point, end, reused):
    """On a kept connection libraries like to try again; a write must not be."""
    if reused:
        assert daemon.get(fresh()).status == 200
    else:
        fake.drop_connections()
    steps = {
        "request": [READ, end],
        "head": [READ, b"HTTP/1.1 204 No Content\r\nX-Half", end],
        "half head": [READ, b"HTTP/1.1 2", end],
    }
    fake.on("/issues/1.json", script(*steps[point]), method=method)
    body = None if method == "DELETE" else b'{"issue":{"subject":"x"}}'
    answer = daemon.request(method, fresh("/issues/1.json"), ADMIN + JSON, body)
    assert answer.status == 502
    assert "unknown" in answer.text.lower()
    assert ADMIN_KEY not in answer.text
    assert len(fake.seen("/issues/1.json", method)) == 1


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_connection_that_redmine_had_closed_is_not_used(daemon, fake, fresh, method):
    for _ in range(5):
        assert daemon.get(fresh()).status == 200
        fake.drop_connections()
        fake.on("/some/thing", reply(204))
        target = fresh("/some/thing")
        assert daemon.request(method, target, ADMIN, b"x" if method == "POST" else None).status == 204
        assert len(fake.seen(target)) == 1


def test_reset_while_the_body_goes_out(daemon, fake, fresh):
    fake.on("/uploads.json", script(RESET))
    fields = ADMIN + [("Content-Type", "application/octet-stream"), ("Content-Length", str(5_000_000))]
    with daemon.connect() as connection:
        connection.ask("POST", fresh("/uploads.json"), fields)
        try:
            for block in wire.blocks(5_000_000):
                connection.send(block)
        except OSError:
            pass
        answer = connection.answer()
    assert answer.status == 502 and "unknown" in answer.text.lower()
    assert len(fake.seen("/uploads.json")) == 1


def test_answer_of_a_write_cut_short(daemon, fake, fresh):
    fake.on(
        "/issues.json",
        script(READ, head(201, {"Content-Type": "application/json", "Content-Length": 100}), b'{"issue":', CLOSE),
    )
    try:
        answer = daemon.request("POST", "/issues.json", ADMIN + JSON, b"{}")
    except wire.Broken:
        answer = None
    assert answer is None or answer.broken or answer.status == 502
    assert len(fake.seen("/issues.json")) == 1


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_write_that_was_never_sent_says_so(daemon, fake, fresh, method):
    fake.stop()
    try:
        answer = daemon.request(method, "/issues/1.json", ADMIN, b"{}" if method == "POST" else None)
    finally:
        fake.start()
    assert answer.status == 502
    assert "not sent" in answer.text.lower() and "unknown" not in answer.text.lower()


def test_time_limit_of_a_write(launch, fake, fresh):
    daemon = launch({"upstream.timeout": "2s"})
    with fake.hold("/issues/1.json"):
        answer = put(daemon, 1, "late")
    assert answer.status == 504
    assert "unknown" in answer.text.lower()
    assert len(fake.seen("/issues/1.json")) == 1


def test_connect_time_limit_of_a_write(launch, fake):
    silence = Silence()
    try:
        answer = put(launch({"upstream.connect_timeout": "1s"}, upstream=silence.base), 1, "never")
    finally:
        silence.stop()
    assert answer.status in (502, 504)
    assert "not sent" in answer.text.lower() and "unknown" not in answer.text.lower()


def test_upstream_name_that_does_not_resolve(launch, fake):
    answer = put(launch(upstream="http://no-such-host.invalid"), 1, "never")
    assert answer.status == 502 and "not sent" in answer.text.lower()


def test_equal_writes_are_never_merged(daemon, fake, fresh):
    fake.on("/time_entries.json", json_reply(b"{}", 201))
    asking = [Asking(daemon, "POST", "/time_entries.json", ADMIN + JSON, b'{"x":1}') for _ in range(6)]
    assert [each.answer().status for each in asking] == [201] * 6
    assert len(fake.seen("/time_entries.json")) == 6


def test_writes_of_one_connection_arrive_in_order(daemon, fake, fresh):
    fake.on("/some/thing", reply(204))
    with daemon.connect() as connection:
        for number in range(20):
            connection.ask("PUT", f"/some/thing?n={number}", ADMIN, b"%d" % number)
        assert [connection.answer().status for _ in range(20)] == [204] * 20
    assert [request.query for request in fake.seen("/some/thing")] == [f"n={number}" for number in range(20)]


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 403, 404, 409, 412, 422, 500, 503])
def test_answers_to_writes_come_back_as_they_are(daemon, fake, fresh, status):
    body = b"" if status == 204 else b'{"errors":["no"]}'
    fake.on(
        "/issues/1.json",
        reply(status, body, [("Content-Type", "application/json"), ("ETag", 'W/"x"'), ("Location", "/y")]),
    )
    answer = daemon.request("PUT", "/issues/1.json", ADMIN + JSON, b"{}")
    assert (answer.status, answer.body) == (status, body)
    assert answer.cache.get("fwd") == "method" and not answer.cache.get("stored")
    assert len(fake.seen("/issues/1.json")) == 1


# Read your writes.


@pytest.mark.parametrize(
    "read",
    [
        "/issues/3.json",
        "/issues.json?limit=100&sort=id",
        "/issues/3.xml",
        "/projects/2/issues.json?limit=100&sort=id",
        "/issues.atom",
    ],
)
@pytest.mark.parametrize("identity", ["writer", "other", "anonymous"])
def test_reads_after_a_write_are_new(daemon, fake, fresh, read, identity):
    fields = {"writer": ADMIN, "other": MANAGER, "anonymous": []}[identity]
    target = fresh(read)
    daemon.get(target, fields)
    assert daemon.get(target, fields).hit
    assert put(daemon, 3, "changed now").status == 204
    count = len(fake.seen(target))
    answer = daemon.get(target, fields)
    assert not answer.hit and len(fake.seen(target)) == count + 1
    if read != "/issues.atom":
        assert "changed now" in answer.text


@pytest.mark.parametrize(
    "method, target",
    [
        ("POST", "/issues.json"),
        ("DELETE", "/issues/239.json"),
        ("PATCH", "/issues/3.json"),
        ("POST", "/time_entries.json"),
    ],
)
def test_every_kind_of_write_spoils(daemon, fake, fresh, method, target):
    body = {
        "/issues.json": b'{"issue":{"subject":"n"}}',
        "/time_entries.json": b'{"time_entry":{"issue_id":3,"hours":2}}',
    }
    read = fresh("/issues.json")
    daemon.get(read)
    assert daemon.get(read).hit
    assert daemon.request(method, target, ADMIN + JSON, body.get(target, b"{}")).status in (201, 204)
    assert not daemon.get(read).hit


def test_write_whose_outcome_is_unknown_spoils(daemon, fake, fresh):
    target = fresh("/issues/3.json")
    daemon.get(target)
    fake.on("/issues/3.json", script(READ, RESET), method="PUT")
    assert put(daemon, 3, "x").status == 502
    assert not daemon.get(target).hit


@pytest.mark.workers(2)
def test_stored_reads_are_spoilt_before_the_write_is_answered(daemon, fake, fresh):
    target = fresh("/issues/3.json")
    daemon.get(target)
    assert daemon.get(target).hit
    with fake.hold("/issues/3.json", "PUT") as gate:
        writing = Asking(daemon, "PUT", "/issues/3.json", ADMIN + JSON, b'{"issue":{"subject":"z"}}')
        gate.arrived()
        assert not daemon.get(target).hit
    assert writing.answer().status == 204


@pytest.mark.workers(2)
def test_read_in_flight_across_a_write_is_delivered_and_not_kept(daemon, fake, fresh):
    target = fresh("/issues/3.json")
    fake.on(
        "/issues/3.json",
        in_turn(json_reply(b'{"issue":{"subject":"old"}}'), json_reply(b'{"issue":{"subject":"new"}}')),
        method="GET",
    )
    with fake.hold("/issues/3.json", "GET") as gate:
        reading = Asking(daemon, "GET", target)
        gate.arrived()
        assert put(daemon, 3, "new").status == 204
    assert subject(reading.answer()) == "old"
    assert not reading.answer().cache.get("stored")
    answer = daemon.get(target)
    assert (subject(answer), answer.hit) == ("new", False)
    assert daemon.get(target).hit


@pytest.mark.workers(3)
def test_reader_after_a_write_does_not_join_a_flight_from_before(daemon, fake, fresh):
    """Coalescing must not hand the state from before a write to someone who asks after it."""
    target = fresh("/issues/3.json")
    gate = fake.gate()
    old, new = json_reply(b'{"issue":{"subject":"old"}}'), json_reply(b'{"issue":{"subject":"new"}}')
    fake.on("/issues/3.json", in_turn(script(READ, gate, old), new), method="GET")
    first = Asking(daemon, "GET", target)
    gate.arrived()
    assert put(daemon, 3, "new").status == 204
    assert subject(daemon.get(target)) == "new"
    gate.open()
    assert subject(first.answer()) == "old"
    assert subject(daemon.get(target)) == "new"


@pytest.mark.workers(2)
def test_read_begun_during_a_write_is_not_kept_past_it(daemon, fake, fresh):
    target = fresh("/issues/3.json")
    before = daemon.get("/issues/3.json", {"Cache-Control": "no-store"}).text
    with fake.hold("/issues/3.json", "PUT") as gate:
        writing = Asking(daemon, "PUT", "/issues/3.json", ADMIN + JSON, b'{"issue":{"subject":"after"}}')
        gate.arrived()
        assert daemon.get(target).text == before
        assert not daemon.get(target).hit
    assert writing.answer().status == 204
    answer = daemon.get(target)
    assert (subject(answer), answer.hit) == ("after", False)


@pytest.mark.workers(3)
def test_two_writes_that_overlap(daemon, fake, fresh):
    """The end of the first write must not let reads be kept that the second one spoils."""
    target = fresh("/issues/3.json")
    with fake.hold("/issues/4.json", "PUT") as second:
        slow = Asking(daemon, "PUT", "/issues/4.json", ADMIN + JSON, b'{"issue":{"subject":"s"}}')
        second.arrived()
        assert put(daemon, 3, "first").status == 204
        assert subject(daemon.get(target)) == "first"
        assert not daemon.get(target).hit
    assert slow.answer().status == 204
    assert not daemon.get(target).hit
    assert daemon.get(target).hit


@pytest.mark.parametrize("status", [401, 403, 404, 406, 412])
def test_write_that_redmine_refused_spoils_nothing(daemon, fake, fresh, status):
    target = fresh("/issues/3.json")
    daemon.get(target)
    fake.on("/issues/3.json", reply(status), method="PUT")
    assert put(daemon, 3, "never").status == status
    assert daemon.get(target).hit


def test_note_leaves_other_issues_in_the_cache(daemon, fake, fresh):
    """What shows the issue is spoilt, under whichever of its names; what cannot have changed is not."""
    spoilt = [fresh(target) for target in ("/issues/3.json", "/issues/003.xml", "/issues.json", "/search.json", "/issues.atom")]
    left = [fresh(target) for target in ("/issues/4.json", "/projects.json", "/trackers.json")]
    for target in spoilt + left:
        daemon.get(target)
    body = b'{"issue":{"notes":"seen"}}'
    assert daemon.request("PUT", "/issues/3.json", ADMIN + JSON, body).status == 204
    assert [daemon.get(target).hit for target in spoilt] == [False] * len(spoilt)
    assert [daemon.get(target).hit for target in left] == [True] * len(left)


@pytest.mark.workers(2)
@pytest.mark.parametrize("status, hit", [(404, True), (207, False)])
def test_method_that_nobody_knows_spoils_by_its_answer(daemon, fake, fresh, status, hit):
    target = fresh("/issues/3.json")
    daemon.get(target)
    fake.on("/some/thing", reply(status), method="PROPFIND")
    with fake.hold("/some/thing") as gate:
        asking = Asking(daemon, "PROPFIND", "/some/thing")
        gate.arrived()
        assert daemon.get(target).hit
    assert asking.answer().status == status
    assert daemon.get(target).hit == hit


def test_uploads_spoil_nothing(daemon, fake, fresh):
    target = fresh("/issues/3.json")
    daemon.get(target)
    fields = ADMIN + [("Content-Type", "application/octet-stream")]
    assert daemon.request("POST", "/uploads.json?filename=a", fields, b"x").status == 201
    assert daemon.get(target).hit


@pytest.mark.parametrize("death", ["stop", "kill"])
def test_write_is_remembered_across_a_restart(launch, fake, fresh, death):
    daemon = launch()
    targets = [fresh("/issues/3.json"), fresh("/issues.json")]
    for target in targets:
        daemon.get(target)
        assert daemon.get(target).hit
    daemon.restart()
    for target in targets:
        assert daemon.get(target).hit, "the store must hold them for this test to mean something"
    assert put(daemon, 3, "changed").status == 204
    if death == "kill":
        daemon.kill()
    else:
        daemon.stop()
    daemon.start()
    assert subject(daemon.get(targets[0])) == "changed"
    assert not daemon.get(targets[1]).hit


def test_wrong_key_writes_nothing_and_is_told(daemon, fake, fresh):
    assert put(daemon, 3, "x", [("X-Redmine-API-Key", WRONG_KEY)]).status == 401


# POST in disguise.


@pytest.mark.parametrize("method", ["PUT", "put", "DELETE", "PATCH"])
@pytest.mark.parametrize("way", ["header", "form"])
def test_override_is_forwarded_as_it_came_and_is_a_write(daemon, fake, fresh, method, way):
    read = fresh("/issues/3.json")
    daemon.get(read)
    assert daemon.get(read).hit
    if way == "header":
        answer = daemon.request(
            "POST", "/issues/3.json", ADMIN + JSON + [("X-HTTP-Method-Override", method)], b'{"issue":{"subject":"o"}}'
        )
    else:
        form = ADMIN + [("Content-Type", "application/x-www-form-urlencoded")]
        answer = daemon.request("POST", "/issues/3.json", form, f"_method={method}&issue%5Bsubject%5D=o".encode())
    assert answer.status == 204
    seen = fake.last(method="POST")
    assert seen.get("X-HTTP-Method-Override") == (method if way == "header" else None)
    after = daemon.get(read)
    if method == "DELETE":
        assert after.status == 404
    else:
        assert subject(after) == "o"


@pytest.mark.parametrize("way", ["header", "form"])
def test_post_that_is_a_get_is_never_cached(daemon, fake, fresh, way):
    target = fresh("/issues/3.json")
    for count in (1, 2):
        if way == "header":
            answer = daemon.request("POST", target, [("X-HTTP-Method-Override", "GET")])
        else:
            answer = daemon.request(
                "POST", target, [("Content-Type", "application/x-www-form-urlencoded")], b"_method=get"
            )
        assert answer.status == 200 and not answer.hit and not answer.cache.get("stored")
        assert len(fake.seen(target, "POST")) == count
    assert not daemon.get(target).hit


@pytest.mark.parametrize("method", ["OPTIONS", "PROPFIND", "BREW"])
def test_other_methods_are_never_answered_from_the_cache(daemon, fake, fresh, method):
    target = fresh("/issues/3.json")
    daemon.get(target)
    fake.on("/issues/3.json", reply(200, b"own", [("Cache-Control", "max-age=60")]), method=method)
    for count in (1, 2):
        assert daemon.request(method, target).body == b"own"
        assert len(fake.seen(target, method)) == count
    assert b"own" not in daemon.get(target).body


def test_client_that_leaves_does_not_undo_a_write(daemon, fake, fresh):
    """Sent is sent: the answer is awaited, and reads are spoilt by it, whoever listens."""
    target = fresh("/issues/3.json")
    with fake.hold("/issues/3.json", "PUT") as gate:
        with daemon.connect() as connection:
            connection.ask("PUT", "/issues/3.json", ADMIN + JSON, b'{"issue":{"subject":"left"}}')
            gate.arrived()
            connection.reset()
    fake.wait_idle()
    until(lambda: subject(daemon.get(target)) == "left", "the write took force")
    assert len(fake.seen("/issues/3.json", "PUT")) == 1
    until(lambda: daemon.get(target).hit, "reads are kept again once the write has ended")
    assert subject(daemon.get(target)) == "left"
