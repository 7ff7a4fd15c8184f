"""Requests that are answered 202 at once, and what came of them."""

import json
import re
import signal
import threading

import pytest

from behaviours import CLOSE, READ, json_reply, reply, script
from daemon import until
from redmine_model import ADMIN_KEY, MANAGER_KEY, REPORTER_KEY

ASYNC = ("Prefer", "respond-async")
JSON = ("Content-Type", "application/json")
AS_ADMIN = ("X-Redmine-API-Key", ADMIN_KEY)
AS_MANAGER = ("X-Redmine-API-Key", MANAGER_KEY)
AS_REPORTER = ("X-Redmine-API-Key", REPORTER_KEY)


def send(daemon, method, target, body=None, who=AS_MANAGER, more=()):
    """The place of the outcome."""
    answer = daemon.request(method, target, [who, ASYNC, JSON, *more], body)
    assert answer.status == 202, answer
    assert answer.get("Preference-Applied") == "respond-async"
    assert answer.get("Cache-Control") == "no-store"
    place = answer.get("Location")
    assert re.fullmatch(r"/-/requests/[0-9a-f]{32}", place)
    assert json.loads(answer.text) == {"request": place}
    return place


def look(daemon, place, who=AS_MANAGER):
    answer = daemon.get(place, [who])
    return answer.status, json.loads(answer.text)


def outcome(daemon, place, who=AS_MANAGER):
    return until(
        lambda: (lambda seen: seen[1] if seen[0] == 200 else None)(look(daemon, place, who)), f"{place} is done"
    )


def write(daemon, number, subject, who=AS_MANAGER):
    return send(daemon, "PUT", f"/issues/{number}.json", json.dumps({"issue": {"subject": subject}}).encode(), who)


def test_a_write(daemon, fake):
    gate = fake.hold("/issues.json", method="POST")
    body = b'{"issue":{"project_id":1,"subject":"an errand"}}'
    place = send(daemon, "POST", "/issues.json", body)
    gate.arrived(1)
    assert look(daemon, place) == (202, {"state": "running"})
    assert daemon.get(place, [AS_MANAGER]).get("Retry-After") == "1"
    gate.open()
    seen = outcome(daemon, place)
    assert (seen["state"], seen["status"], seen["reason"]) == ("done", 201, "Created")
    assert seen["body"]["issue"]["subject"] == "an errand"
    assert dict(seen["headers"])["Location"].startswith(f"http://127.0.0.1:{daemon.port}/issues/")
    sent = fake.last(method="POST")
    assert bytes(sent.body.kept) == body and sent.get("Prefer") is None
    itself = daemon.get(seen["answer"], [AS_MANAGER])
    assert itself.status == 201 and json.loads(itself.text) == seen["body"]
    assert itself.get("Location") == dict(seen["headers"])["Location"]
    assert daemon.request("HEAD", seen["answer"], [AS_MANAGER]).get("Content-Length") == str(len(itself.body))


def test_read_your_errands_writes(daemon, fake):
    assert daemon.get("/issues/7.json", [AS_MANAGER]).status == 200
    assert outcome(daemon, write(daemon, 7, "written by an errand"))["status"] == 204
    assert "written by an errand" in daemon.get("/issues/7.json", [AS_MANAGER]).text


def test_reads(daemon, fake, fresh):
    target = fresh("/issues/10.json")
    first = outcome(daemon, send(daemon, "GET", target))
    assert first["status"] == 200 and first["body"]["issue"]["id"] == 10
    assert daemon.get(target, [AS_MANAGER]).hit, "it is kept as any read is"
    again = outcome(daemon, send(daemon, "GET", target))
    assert again["body"] == first["body"] and len(fake.seen(target)) == 1
    minimal = outcome(daemon, send(daemon, "GET", target, more=[("Prefer", "return=minimal")]))
    assert minimal["status"] == 200 and "body" not in minimal


def test_errors_are_outcomes(daemon, fake):
    fake.on("/issues/8.json", reply(422, b'{"errors":["Subject cannot be blank"]}', [JSON]), method="PUT")
    seen = outcome(daemon, write(daemon, 8, ""))
    assert seen["status"] == 422 and seen["body"] == {"errors": ["Subject cannot be blank"]}
    fake.on("/issues/9.json", script(READ, CLOSE), method="PUT")
    seen = outcome(daemon, write(daemon, 9, "lost"))
    assert seen["status"] == 502 and "outcome is unknown" in seen["body"]["errors"][0]
    assert len(fake.seen("/issues/9.json", "PUT")) == 1, "never sent twice"


def test_only_who_sent_it_is_told(daemon, fake):
    place = write(daemon, 11, "private")
    assert outcome(daemon, place)["status"] == 204
    for fields in ([AS_REPORTER], [AS_ADMIN], [], [AS_ADMIN, ("X-Redmine-Switch-User", "jsmith")]):
        for target in (place, place + "/answer"):
            assert daemon.get(target, fields).status == 404
    assert daemon.get(f"{place}?key={MANAGER_KEY}").status == 404, "another form of it is another identity"
    for other in (
        place[:-1] + "x",
        place[:-1],
        place + "0",
        place + "/",
        place + "/other",
        "/-/requests/",
        place + "/answer/x",
    ):
        assert daemon.get(other, [AS_MANAGER]).status == 404
    assert daemon.request("POST", place, [AS_MANAGER], b"").status == 405
    assert daemon.get(place, [AS_MANAGER]).status == 200


def test_bodies_that_are_no_json(daemon, fake):
    fake.on("/text", reply(200, "grün".encode(), [("Content-Type", "text/plain")]))
    fake.on("/bytes", reply(200, b"\xff\x00\xc3(", [("Content-Type", "application/octet-stream")]))
    fake.on("/broken.json", json_reply(b'{"a":'))
    fake.on("/large.json", json_reply(b'{"a":"' + b"x" * 100_000 + b'"}'))
    assert outcome(daemon, send(daemon, "GET", "/text"))["body"] == "grün"
    seen = outcome(daemon, send(daemon, "GET", "/bytes"))
    assert seen["body_base64"] == "/wDDKA==" and "body" not in seen
    assert daemon.get(seen["answer"], [AS_MANAGER]).body == b"\xff\x00\xc3("
    assert outcome(daemon, send(daemon, "GET", "/broken.json"))["body"] == '{"a":'
    seen = outcome(daemon, send(daemon, "GET", "/large.json"))
    assert "body" not in seen and "body_base64" not in seen
    assert len(daemon.get(seen["answer"], [AS_MANAGER]).body) == 100_008


@pytest.mark.workers(2)
def test_order_is_kept(daemon, fake):
    """One after the other for each identity, beside each other for several."""
    gate = fake.hold("/issues/20.json", method="PUT")
    places = [write(daemon, 20, "first"), write(daemon, 21, "second"), write(daemon, 22, "third")]
    gate.arrived(1)
    other = write(daemon, 23, "of another", AS_ADMIN)
    assert outcome(daemon, other, AS_ADMIN)["status"] == 204
    assert [look(daemon, place)[1]["state"] for place in places] == ["running", "waiting", "waiting"]
    assert not fake.seen("/issues/21.json", "PUT")
    gate.open()
    for place in places:
        assert outcome(daemon, place)["status"] == 204
    mine = [request.path for request in fake.seen(method="PUT") if request.get("X-Redmine-API-Key") == MANAGER_KEY]
    assert mine == ["/issues/20.json", "/issues/21.json", "/issues/22.json"]


@pytest.mark.workers(2)
def test_a_write_waits_for_the_errands_before_it(daemon, fake):
    gate = fake.hold("/issues/30.json", method="PUT")
    write(daemon, 30, "an errand")
    gate.arrived(1)
    with daemon.connect() as waiting, daemon.connect() as other:
        waiting.ask("PUT", "/issues/31.json", [AS_MANAGER, JSON], b'{"issue":{"subject":"later"}}')
        behind = []
        daemon.catch_up()
        behind.append(write(daemon, 32, "after it"))
        assert other.request("PUT", "/issues/33.json", [AS_ADMIN, JSON], b'{"issue":{"subject":"b"}}').status == 204
        assert other.get("/issues/34.json", [AS_MANAGER]).status == 200, "reads do not wait"
        assert not fake.seen("/issues/31.json", "PUT")
        gate.open()
        assert waiting.answer("PUT").status == 204
    assert outcome(daemon, behind[0])["status"] == 204
    mine = [request.path for request in fake.seen(method="PUT") if request.get("X-Redmine-API-Key") == MANAGER_KEY]
    assert mine == ["/issues/30.json", "/issues/31.json", "/issues/32.json"]


def test_many_in_order(daemon, fake):
    places = [write(daemon, 40, f"subject {number}") for number in range(60)]
    assert outcome(daemon, places[-1])["status"] == 204
    subjects = [
        json.loads(bytes(request.body.kept))["issue"]["subject"] for request in fake.seen("/issues/40.json", "PUT")
    ]
    assert subjects == [f"subject {number}" for number in range(60)]


def test_a_full_queue_says_so(launch, fake):
    daemon = launch({"errands.queue": 3})
    gate = fake.hold("/issues/50.json", method="PUT")
    places = [write(daemon, 50, "a") for _ in range(3)]
    answer = daemon.request("PUT", "/issues/50.json", [AS_ADMIN, ASYNC, JSON], b'{"issue":{}}')
    assert answer.status == 503 and answer.get("Retry-After") and "respond-async" in answer.text
    assert answer.get("Preference-Applied") is None
    gate.open()
    assert [outcome(daemon, place)["status"] for place in places] == [204] * 3
    assert len(fake.seen("/issues/50.json", "PUT")) == 3
    assert outcome(daemon, write(daemon, 50, "b"))["status"] == 204


def test_what_is_kept_is_bounded(launch, fake):
    daemon = launch({"errands.outcomes": 3})
    places = [write(daemon, 51, f"{number}") for number in range(5)]
    outcome(daemon, places[-1])
    assert [look(daemon, place)[0] for place in places] == [404, 404, 200, 200, 200]


def test_memory_is_bounded(launch, fake):
    daemon = launch({"errands.memory": "250K"})
    fake.on("/some.json", json_reply(b'"' + b"x" * 100_000 + b'"'))
    places = [send(daemon, "GET", "/some.json") for _ in range(5)]
    outcome(daemon, places[-1])
    assert [look(daemon, place)[0] for place in places] == [404, 404, 404, 200, 200]
    gate = fake.hold("/issues/52.json", method="PUT")
    body = b'{"issue":{"subject":"' + b"x" * 100_000 + b'"}}'
    send(daemon, "PUT", "/issues/52.json", body)
    gate.arrived(1)
    send(daemon, "PUT", "/issues/52.json", body)
    assert daemon.request("PUT", "/issues/52.json", [AS_MANAGER, ASYNC, JSON], body).status == 503
    gate.open()


def test_an_outcome_is_told_for_a_while(launch, fake):
    daemon = launch({"errands.keep": "5m"})
    place = write(daemon, 53, "a")
    outcome(daemon, place)
    daemon.advance(270_000)
    assert look(daemon, place)[0] == 200
    daemon.advance(31_000)
    assert look(daemon, place)[0] == 404


def test_bodies_of_every_size(launch, fake):
    daemon = launch({"errands.body_limit": "1M"})
    for size in (1, 300_000, 1_000_000):
        fake.on("/uploads.json", json_reply(b'{"upload":{"token":"1"}}', 201))
        place = send(daemon, "POST", "/uploads.json", b"u" * size, more=[])
        assert outcome(daemon, place)["status"] == 201
        assert fake.last("/uploads.json").body.size == size
    answer = daemon.request("POST", "/uploads.json", [AS_MANAGER, ASYNC], b"u" * 2_000_000)
    assert answer.status == 201 and answer.get("Preference-Applied") is None, "too large: done with its client"
    answer = daemon.request("POST", "/uploads.json", [AS_MANAGER, ASYNC], [b"chunked"])
    assert answer.status == 201 and answer.get("Preference-Applied") is None


def test_wait_is_no_limit_of_an_errand(daemon, fake):
    gate = fake.hold("/issues/54.json", method="PUT")
    place = send(daemon, "PUT", "/issues/54.json", b'{"issue":{"subject":"x"}}', more=[("Prefer", "wait=1")])
    gate.arrived(1)
    gate.open()
    assert outcome(daemon, place)["status"] == 204


def test_a_cookie_is_served_with_its_client(daemon, fake, fresh):
    assert daemon.get(fresh(), [ASYNC, ("Cookie", "a=b")]).status == 200


def test_sigterm_waits_for_them(launch, fake):
    daemon = launch()
    gate = fake.hold("/issues/60.json", method="PUT")
    for subject in ("first", "second"):
        write(daemon, 60, subject)
    gate.arrived(1)
    daemon.signal(signal.SIGTERM)
    daemon.logged("stopping$")
    gate.open()
    assert daemon.ended() == 0
    daemon.process = None
    assert len(fake.seen("/issues/60.json", "PUT")) == 2
    assert "is not done" not in daemon.stderr


def test_what_is_not_done_in_time_is_logged(launch, fake):
    daemon = launch({"listen.drain_timeout": "200ms"})
    gate = fake.hold("/issues/61.json", method="PUT")
    for subject in ("first", "second", "third"):
        write(daemon, 61, subject)
    gate.arrived(1)
    daemon.signal(signal.SIGTERM)
    assert daemon.ended() == 0
    daemon.process = None
    lines = [line for line in daemon.log if "was accepted and is not done: PUT /issues/61.json" in line]
    assert len(lines) == 2
    daemon.logged(r"errand [0-9a-f]{8}: PUT /issues/61\.json: 502")
    daemon.logged("were not done within listen.drain_timeout")


def test_many_clients_at_once(daemon, fake):
    """Several identities and kinds at the same time; nothing is lost, and each in its order."""
    places = {}

    def work(number):
        who = ("X-Redmine-API-Key", [ADMIN_KEY, MANAGER_KEY, REPORTER_KEY][number % 3])
        places[number] = (
            who,
            [
                send(daemon, "PUT", f"/issues/{70 + number}.json", b'{"issue":{"notes":"%d"}}' % step, who)
                for step in range(8)
            ],
        )

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, (who, mine) in places.items():
        for place in mine:
            outcome(daemon, place, who)
        notes = [
            json.loads(bytes(request.body.kept))["issue"]["notes"]
            for request in fake.seen(f"/issues/{70 + number}.json", "PUT")
        ]
        assert notes == [str(step) for step in range(8)]


def test_a_session_sends_and_is_told(launch, fake, tmp_path):
    daemon = launch(begin=False)
    key = tmp_path / "key"
    key.write_text(MANAGER_KEY)
    key.chmod(0o600)
    daemon.configure({"session.a.key_file": key, "session.a.listeners": f"127.0.0.1:{daemon.port}"})
    daemon.start()
    named = ("Redmine-Cached-Session", "a")
    place = write(daemon, 62, "by a session", named)
    assert outcome(daemon, place, named)["status"] == 204
    assert outcome(daemon, place, AS_MANAGER)["status"] == 204
    assert daemon.get(place, [("Redmine-Cached-Session", "b")]).status == 400
    assert fake.last("/issues/62.json").get("X-Redmine-API-Key") == MANAGER_KEY


def test_bytes_of_a_head_that_are_no_utf8(launch, fake):
    daemon = launch()
    fake.on("/issues/64.json", reply(422, b"", [("X-Odd", "caf\xe9"), ("X-Even", "plain")], reason="N\xe3o"))
    place = write(daemon, 64, "a")
    found = outcome(daemon, place)
    assert (found["status"], found["reason"]) == (422, "N\xe3o")
    assert ["X-Odd", "caf\xe9"] in found["headers"] and ["X-Even", "plain"] in found["headers"]


def figures_of(daemon):
    """They move under one lock with what is told of an errand: whoever was told sees them moved."""
    return dict(re.findall(r"^redmine_cached_errands_(\w+) (\d+)$", daemon.get("/-/metrics").text, re.MULTILINE))


def test_they_are_counted(launch, fake):
    daemon = launch({"errands.queue": 1})
    gate = fake.hold("/issues/63.json", method="PUT")
    place = write(daemon, 63, "a")
    gate.arrived(1)
    assert daemon.request("PUT", "/issues/63.json", [AS_ADMIN, ASYNC, JSON], b"{}").status == 503
    figures = figures_of(daemon)
    assert (figures["accepted_total"], figures["refused_total"], figures["running"]) == ("1", "1", "1")
    gate.open()
    assert outcome(daemon, place)["status"] == 204
    figures = figures_of(daemon)
    assert (figures["done_total"], figures["outcomes"], figures["running"]) == ("1", "1", "0")
