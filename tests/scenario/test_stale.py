"""Stale on purpose: while an answer is fetched anew, when Redmine fails or is slow, and when it is left alone."""

import threading

import pytest

from behaviours import json_reply, reply
from daemon import until
from fake_redmine import settled
from redmine_model import ADMIN_KEY

WRITE = [("X-Redmine-API-Key", ADMIN_KEY), ("Content-Type", "application/json")]
OLD_MS = 40000  # past the lifetime of issues


def fails(status):
    return reply(status, b"out of order", [("Content-Type", "text/html")])


@pytest.fixture
def aged(launch, fresh):
    """A function: a daemon of the test's own, and a target whose stored answer is past its lifetime."""

    def make(options=None, target=None, **how):
        daemon = launch(options or {}, **how)
        target = target or fresh()
        assert daemon.get(target).status == 200
        daemon.advance(OLD_MS)
        return daemon, target

    return make


def words(answer):
    return {name: answer.cache.get(name) for name in ("hit", "fwd", "fwd-status", "detail")}


# When Redmine fails.


def test_error_is_answered_with_what_is_stored(aged, fake):
    daemon, target = aged()
    fake.on(target, fails(503), times=1)
    answer = daemon.get(target)
    assert answer.status == 200 and int(answer.get("Age")) >= OLD_MS // 1000
    assert words(answer) == {"hit": None, "fwd": "stale", "fwd-status": "503", "detail": "stale-if-error"}
    assert int(answer.cache["ttl"]) < 0
    again = daemon.get(target)
    assert again.cache.get("fwd") == "stale", "it was not stored as if it were new"
    assert daemon.get(target).hit


@pytest.mark.parametrize("status", [500, 502, 504])
def test_errors_of_redmines_own(aged, fake, status):
    daemon, target = aged()
    fake.on(target, fails(status), times=1)
    assert daemon.get(target).cache.get("fwd-status") == str(status)
    fake.on(target, fails(404), times=1)
    assert daemon.get(target).status == 404, "that is an answer"


def test_no_longer_than_the_setting_says(aged, fake):
    daemon, target = aged({"cache.stale_if_error": "60s"})
    fake.on(target, fails(503))
    assert daemon.get(target).status == 200
    daemon.advance(61000)
    assert daemon.get(target).status == 503


def test_off_by_a_setting(aged, fake):
    daemon, target = aged({"cache.stale_if_error": "0"})
    fake.on(target, fails(503))
    assert daemon.get(target).status == 503


def test_redmine_is_gone_and_comes_back(aged, fake):
    daemon, target = aged()
    fake.stop()
    try:
        assert words(daemon.get(target)) == {
            "hit": None,
            "fwd": "stale",
            "fwd-status": None,
            "detail": "stale-if-error",
        }
        assert daemon.get(target, {"Cache-Control": "no-cache"}).status == 502, "who wants it validated gets no old one"
        assert daemon.get(target, {"Cache-Control": "max-age=0"}).status == 502
    finally:
        fake.start()
    assert daemon.get(target).cache.get("fwd") == "stale"
    assert daemon.get(target).hit


def test_stale_answers_survive_a_restart(aged, fake):
    daemon, target = aged()
    until(lambda: daemon.status["cache"]["store_queue"] == 0, "the store has it all")
    daemon.restart()
    fake.stop()
    try:
        assert daemon.get(target).cache.get("detail") == "stale-if-error"
    finally:
        fake.start()


def test_list_joined_from_old_pages_says_so(aged, fake):
    daemon, target = aged(target="/issues.json?limit=all")
    fresh_text = daemon.get(target).text
    daemon.advance(OLD_MS)
    fake.stop()
    try:
        answer = daemon.get(target)
        assert (answer.status, answer.text, answer.cache.get("detail")) == (200, fresh_text, "stale-if-error")
        assert int(answer.cache["ttl"]) < 0
    finally:
        fake.start()
    assert daemon.get(target).cache.get("detail") is None


def test_never_to_another_identity(aged, fake):
    daemon, target = aged()
    fake.on(target, fails(503))
    assert daemon.get(target, {"X-Redmine-API-Key": "other"}).status == 503


def test_never_what_a_write_may_have_changed(aged, fake):
    daemon, target = aged({"cache.stale_while_revalidate": "1h"}, target="/issues.json")
    assert daemon.request("PUT", "/issues/1.json", WRITE, b'{"issue":{"subject":"x"}}').status < 300
    fake.on(target, fails(503))
    assert daemon.get(target).status == 503
    fake.on(target, json_reply(b'{"issues":[],"total_count":0,"offset":0,"limit":25}'))
    assert daemon.get(target).text.startswith('{"issues":[]')


# While it is fetched anew.


def test_readers_do_not_wait_while_it_is_refreshed(aged, fake):
    daemon, target = aged({"cache.stale_while_revalidate": "1h"})
    with fake.hold(target) as gate:
        for _ in range(5):
            answer = daemon.get(target)
            assert words(answer) == {"hit": True, "fwd": None, "fwd-status": None, "detail": "refreshing"}
        gate.arrived()
        assert len(fake.seen(target)) == 2, "one refresh for all of them"
    until(lambda: daemon.get(target).cache.get("detail") is None, "the refreshed answer is served")
    assert daemon.get(target).hit and len(fake.seen(target)) == 2
    until(lambda: daemon.status["requests"]["stale"] >= 5, "all five are counted")


def test_not_refreshed_after_the_span(aged, fake):
    daemon, target = aged({"cache.stale_while_revalidate": "5s"})
    assert daemon.get(target).cache.get("fwd") == "stale"


# When it is slow.


@pytest.mark.workers(2)
def test_slow_redmine(aged, fake):
    daemon, target = aged({"cache.slow": "200ms"})
    with fake.hold(target) as gate:
        answer = daemon.get(target)
        assert words(answer) == {"hit": None, "fwd": "stale", "fwd-status": None, "detail": "slow"}
        gate.arrived(2)  # again, with all the time
        assert words(daemon.get(target)) == {"hit": True, "fwd": None, "fwd-status": None, "detail": "slow"}
    until(lambda: daemon.get(target).cache.get("detail") is None, "what came at last is served")
    assert len(fake.seen(target)) == 3


# When it is left alone.


def broken(launch, fake, options=None):
    daemon = launch({"upstream.breaker": "3", **(options or {})})
    fake.stop()
    for number in range(3):
        assert daemon.get(f"/projects.json?n={number}").status == 502
    return daemon


def kept_away(daemon, target="/projects.json"):
    """The refusal of a read. When the pause is over before it is asked, a longer one begins."""
    return until(lambda: (answer := daemon.get(target)).status == 503 and answer, "reads are kept from Redmine")


def test_dead_redmine_is_left_alone(launch, fake):
    daemon = launch({"upstream.breaker": "3", "upstream.breaker_pause": "1h"})
    target = "/issues.json?stored=1"
    assert daemon.get(target).status == 200
    daemon.advance(OLD_MS)
    assert daemon.ready == (200, {"status": "ready"})
    fake.on(lambda request: True, fails(502))
    for number in range(3):
        assert daemon.get(f"/projects.json?n={number}").status == 502
    assert int(kept_away(daemon).get("Retry-After")) in (1, 2, 4, 8)

    def left_alone():
        asked = len(fake.seen())
        seen = words(daemon.get(target))
        return seen == {"hit": True, "fwd": None, "fwd-status": None, "detail": "unreachable"} and len(fake.seen()) == asked

    until(left_alone, "what is stored is served without a question")
    status, page = daemon.ready
    assert (status, page["status"], page["why"]) == (200, "degraded", "Redmine does not answer")


def test_writes_are_always_tried(launch, fake):
    daemon = broken(launch, fake)
    kept_away(daemon)
    fake.start()
    assert daemon.request("PUT", "/issues/1.json", WRITE, b'{"issue":{"subject":"x"}}').status == 204
    assert daemon.get("/projects.json").status == 200, "Redmine is back"
    assert daemon.ready == (200, {"status": "ready"})


def test_failing_writes_stop_no_reads(daemon, fake, fresh):
    fake.on(lambda request: request.method == "PUT", lambda exchange: exchange.reset())
    for _ in range(12):
        assert daemon.request("PUT", "/issues/1.json", WRITE, b'{"issue":{"subject":"x"}}').status == 502
    assert daemon.get(fresh()).status == 200


def test_recovery_is_no_stampede(launch, fake):
    daemon = broken(launch, fake)
    fake.start()
    gate = fake.gate()
    fake.on(
        "/trackers.json",
        lambda exchange: (gate(exchange), exchange.answer(200, b"{}", [("Content-Type", "application/json")])),
    )

    def probe_is_out():
        answer = []
        thread = threading.Thread(target=lambda: answer.append(daemon.get("/trackers.json").status))
        thread.start()
        until(lambda: answer or gate.count, "asked, or refused")
        threads.append(thread)
        return gate.count > 0

    threads = []
    until(probe_is_out, "the pause is over")
    for number in range(20):
        assert daemon.get(f"/projects.json?n={number}").status == 503, "all others wait for the one probe"
    assert settled(lambda: gate.count) == 1
    gate.open()
    for thread in threads:
        thread.join()
    until(lambda: daemon.get("/projects.json").status == 200, "Redmine is asked again")
