"""What a request chooses for itself: Prefer (RFC 7240) and the daemon's own fields."""

import pytest

from behaviours import chunked_reply, huge_reply, json_reply, reply
from redmine_model import MANAGER_KEY

OPTIONS = {"session.wait_limit": "30s", "session.workers_limit": 8}
AS_MANAGER = ("X-Redmine-API-Key", MANAGER_KEY)


def prefer(*values):
    return [("Prefer", value) for value in values]


@pytest.mark.parametrize(
    "value",
    [
        "wait",
        "wait=",
        "wait=0",
        "wait=-1",
        "wait=1.5",
        "wait=soon",
        'wait="x"',
        "return=all",
        "return",
        "respond-async=1",
    ],
)
def test_a_malformed_value_is_named(daemon, fake, fresh, value):
    answer = daemon.get(fresh(), prefer(value))
    assert answer.status == 400 and "Prefer: " + value.partition("=")[0] in answer.text
    assert not fake.requests


@pytest.mark.parametrize("value", ["", "0", "9", "-1", "1.0", "many", "1 1", "99999999999999999999"])
def test_workers_have_a_ceiling(daemon, fake, fresh, value):
    answer = daemon.get(fresh(), [("Redmine-Cached-Workers", value)])
    assert answer.status == 400 and "Redmine-Cached-Workers" in answer.text and "8" in answer.text
    assert not fake.requests
    assert daemon.get(fresh(), [("Redmine-Cached-Workers", "8")]).status == 200
    assert fake.last().get("Redmine-Cached-Workers") is None


@pytest.mark.parametrize(
    "values, passed",
    [
        (["wait=5"], None),
        (["return=minimal, wait=5"], None),
        (["handling=lenient"], "handling=lenient"),
        (["handling=lenient; wait=9, wait=5", 'x="a, wait=3"'], 'handling=lenient; wait=9, x="a, wait=3"'),
        (["return=representation"], "return=representation"),
        (["Wait = 5, RETURN=minimal;foo=bar, depth-noroot"], "depth-noroot"),
    ],
)
def test_only_what_is_ours_is_taken_out(daemon, fake, fresh, values, passed):
    assert daemon.get(fresh(), prefer(*values)).status == 200
    assert fake.last().get("Prefer") == passed


@pytest.mark.parametrize(
    "values, applied",
    [
        (["wait=5"], "wait=5"),
        (["wait=5, wait=nonsense"], "wait=5"),
        (["wait=500"], "wait=30"),
        (["wait=99999999999999999999"], "wait=30"),
        (["return=minimal", "wait=7"], "wait=7, return=minimal"),
        (['wait="7"'], "wait=7"),
        (["return=representation, return=minimal"], None),
        (["handling=strict"], None),
        ([], None),
    ],
)
def test_what_was_honoured_is_said(daemon, fake, fresh, values, applied):
    target = fresh()
    assert daemon.get(target, prefer(*values)).get("Preference-Applied") == applied
    for _ in range(3):
        hit = daemon.get(target, prefer(*values))
        assert hit.hit and hit.get("Preference-Applied") == applied
    assert daemon.get(target).get("Preference-Applied") is None


def test_minimal_has_the_head_alone(daemon, fake, fresh):
    target = fresh()
    whole = daemon.get(target)
    for _ in range(3):
        answer = daemon.get(target, prefer("return=minimal"))
        assert answer.status == 200 and answer.hit and answer.body == b""
        assert answer.get("Content-Length") == "0"
        assert answer.get("ETag") == whole.get("ETag") and answer.get("Content-Type") == whole.get("Content-Type")
        assert answer.get("Vary") == "Prefer"
        assert daemon.get(target).body == whole.body


@pytest.mark.parametrize(
    "behaviour",
    [
        json_reply(b'{"a":1}'),
        huge_reply(20_000_000),
        chunked_reply([b"a" * 5000] * 100),
        huge_reply(9_000_000, (), "chunked"),
    ],
    ids=["small", "huge", "chunked", "huge and chunked"],
)
@pytest.mark.parametrize("path", ["/small.json", "/files/1"])
def test_minimal_of_any_answer(daemon, fake, fresh, behaviour, path):
    fake.on(path, behaviour)
    answer = daemon.get(fresh(path), prefer("return=minimal"))
    assert answer.status == 200 and answer.body == b"" and not answer.broken
    assert daemon.get(fresh()).status == 200


def test_minimal_of_a_write(daemon, fake):
    fields = [AS_MANAGER, ("Content-Type", "application/json"), *prefer("return=minimal")]
    answer = daemon.request("POST", "/issues.json", fields, b'{"issue":{"project_id":1,"subject":"minimal"}}')
    assert answer.status == 201 and answer.body == b"" and answer.get("Location")
    assert answer.get("Preference-Applied") == "return=minimal"
    answer = daemon.request("PUT", "/issues/1.json", fields, b'{"issue":{"subject":"minimal"}}')
    assert answer.status == 204


def test_an_error_keeps_its_body(daemon, fake, fresh):
    """RFC 7240 section 4.2 speaks of successes: what is wrong must be said."""
    fake.on("/wrong.json", reply(422, b'{"errors":["no"]}', [("Content-Type", "application/json")]))
    answer = daemon.get("/wrong.json", prefer("return=minimal"))
    assert answer.status == 422 and b"no" in answer.body and answer.get("Preference-Applied") is None


def test_wait_is_the_time_limit(daemon, fake, fresh):
    target = fresh("/slow.json")
    with fake.hold("/slow.json"):
        answer = daemon.get(target, prefer("wait=1"))
    assert answer.status == 504 and "1000 ms" in answer.text


@pytest.mark.workers(2)
def test_who_waits_longer_does_not_fail_with_who_waits_less(daemon, fake, fresh):
    target = fresh("/slow.json")
    gate = fake.hold("/slow.json")
    fake.on("/slow.json", json_reply(b'{"slow":1}'))
    with daemon.connect() as hasty, daemon.connect() as patient:
        hasty.ask("GET", target, prefer("wait=1"))
        gate.arrived(1)
        patient.ask("GET", target)
        assert hasty.answer().status == 504
        gate.open()
        assert patient.answer().status == 200


@pytest.mark.workers(2)
def test_who_waits_less_does_not_wait_for_who_waits_longer(daemon, fake, fresh):
    target = fresh("/slow.json")
    gate = fake.hold("/slow.json")
    fake.on("/slow.json", json_reply(b'{"slow":1}'))
    with daemon.connect() as patient:
        patient.ask("GET", target)
        gate.arrived(1)
        assert daemon.get(target, prefer("wait=1")).status == 504
        gate.open()
        assert patient.answer().status == 200


@pytest.mark.workers(2)
def test_equal_waits_share_one_question(daemon, fake, fresh):
    target = fresh("/slow.json")
    gate = fake.hold("/slow.json")
    fake.on("/slow.json", json_reply(b'{"slow":1}'))
    with daemon.connect() as one, daemon.connect() as other:
        one.ask("GET", target, prefer("wait=20"))
        gate.arrived(1)
        other.ask("GET", target, prefer("wait=25"))
        daemon.catch_up()
        gate.open()
        assert one.answer().status == 200
        assert other.answer().cache.get("collapsed")
    assert len(fake.seen(target)) == 1


def test_no_transform_leaves_all_as_it_is(daemon, fake, fresh):
    target = fresh("/attachments/1.json")
    raw = daemon.get(target, [("Cache-Control", "no-transform")])
    assert f'"content_url":"{fake.base}/' in raw.text
    assert f'"content_url":"{fake.base}/' not in daemon.get(target).text
