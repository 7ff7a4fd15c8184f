"""Conditional reads, and what a request may ask of the cache."""

import pytest

from client import ttl

OPTIONS = {"lifetime.issues": "100s", "lifetime.issue": "200s"}

# Conditional reads.


@pytest.mark.parametrize("form", ["{0}", "{1}", '"x", {0}', '{1} , W/"y"', "*", ' "a","b",{0}'])
def test_not_modified_is_answered_here(daemon, fake, fresh, form):
    target = fresh()
    tag = daemon.get(target).get("ETag")
    assert tag.startswith('W/"')
    answer = daemon.get(target, {"If-None-Match": form.format(tag, tag[2:])})
    assert (answer.status, answer.reason, answer.body) == (304, "Not Modified", b"")
    assert answer.hit and answer.get("ETag") == tag and answer.has("Cache-Control")
    assert len(fake.requests) == 1


@pytest.mark.parametrize("form", ['"x"', 'W/"x"', '"', "", 'W/"{0}"'])
def test_other_tags_get_the_whole(daemon, fake, fresh, form):
    target = fresh()
    first = daemon.get(target)
    answer = daemon.get(target, {"If-None-Match": form.format(first.get("ETag"))})
    assert (answer.status, answer.body) == (200, first.body)


def test_not_modified_on_head(daemon, fake, fresh):
    target = fresh()
    tag = daemon.get(target).get("ETag")
    assert daemon.request("HEAD", target, {"If-None-Match": tag}).status == 304
    assert daemon.request("HEAD", target, {"If-None-Match": '"x"'}).status == 200


def test_condition_on_a_cold_url(daemon, fake, fresh):
    target, other = fresh(), fresh()
    whole = daemon.get(other)
    answer = daemon.get(target, {"If-None-Match": whole.get("ETag")})
    assert (answer.status, answer.body) == (304, b"")
    again = daemon.get(target)
    assert (again.status, again.body) == (200, whole.body), "a 304 must never be kept as the answer"


def test_condition_on_a_stale_entry(daemon, fake, fresh):
    target = fresh("/issues/6.json")
    first = daemon.get(target)
    daemon.advance(210_000)
    assert daemon.get(target, {"If-None-Match": first.get("ETag")}).status == 304
    daemon.advance(210_000)
    fake.model.issues[6]["subject"] = "moved on"
    answer = daemon.get(target, {"If-None-Match": first.get("ETag")})
    assert answer.status == 200 and "moved on" in answer.text
    assert daemon.get(target).body == answer.body


def test_date_condition_alone_gets_the_whole(daemon, fake, fresh):
    target = fresh()
    for _ in range(2):
        assert daemon.get(target, {"If-Modified-Since": "Wed, 21 Oct 2099 07:28:00 GMT"}).status == 200


def test_download_revalidates_by_digest(daemon, fake, fresh):
    target = fresh("/attachments/download/1/notes.txt")
    first = daemon.get(target)
    assert daemon.get(target, {"If-None-Match": first.get("ETag")}).status == 304
    assert daemon.get(target, {"Range": "bytes=0-3"}).body == first.body


def test_head_and_get_share_an_entry(daemon, fake, fresh):
    target = fresh()
    bare = daemon.request("HEAD", target)
    answer = daemon.get(target)
    assert answer.body and bare.get("Content-Length") == str(answer.content.size)
    assert daemon.request("HEAD", target).hit
    assert daemon.get(target).hit
    assert daemon.get(target).body == answer.body


# What a request may ask of the cache (RFC 9111 section 5.2.1).


def test_no_cache_asks_redmine_and_renews(daemon, fake, fresh):
    target = fresh("/issues/7.json")
    daemon.get(target)
    fake.model.issues[7]["subject"] = "newer"
    answer = daemon.get(target, {"Cache-Control": "no-cache"})
    assert answer.cache["fwd"] == "request" and "newer" in answer.text
    after = daemon.get(target)
    assert after.hit and "newer" in after.text


def test_no_store_is_not_kept(daemon, fake, fresh):
    target = fresh()
    answer = daemon.get(target, {"Cache-Control": "no-store"})
    assert not answer.hit and not answer.cache.get("stored")
    assert not daemon.get(target).hit


@pytest.mark.parametrize(
    "directive, age, hit",
    [
        ("max-age=30", 10_000, True),
        ("max-age=30", 50_000, False),
        ("max-age=0", 20_000, False),
        ("min-fresh=50", 10_000, True),
        ("min-fresh=50", 70_000, False),
    ]
    + [
        ("max-age=3600", 50_000, True),
        ("max-stale", 150_000, True),
        ("max-stale=80", 150_000, True),
        ("max-stale=20", 150_000, False),
    ]
    + [("MAX-AGE=30 , x=y", 50_000, False)],
)
def test_freshness_that_a_request_asks_for(daemon, fake, fresh, directive, age, hit):
    target = fresh()
    daemon.get(target)
    daemon.advance(age)
    answer = daemon.get(target, {"Cache-Control": directive})
    assert answer.status == 200 and answer.hit == hit
    if hit and age > 100_000:
        assert ttl(answer) < 0
    if not hit:
        assert answer.cache["fwd"] == ("stale" if age > 100_000 and "max-age" not in directive else answer.cache["fwd"])


def test_only_if_cached(daemon, fake, fresh):
    target = fresh()
    only = {"Cache-Control": "only-if-cached"}
    answer = daemon.get(target, only)
    assert answer.status == 504 and not fake.requests
    daemon.get(target)
    assert daemon.get(target, only).hit
    daemon.advance(110_000)
    assert daemon.get(target, only).status == 504
    assert daemon.get(target, {"Cache-Control": "only-if-cached, max-stale=60"}).hit


@pytest.mark.parametrize(
    "value", ["max-age=x", "max-age=", "max-age=-1", "min-fresh=99999999999999999999", ",,", "no-transform", "x" * 2000]
)
def test_odd_directives_do_no_harm(daemon, fake, fresh, value):
    target = fresh()
    daemon.get(target)
    assert daemon.get(target, {"Cache-Control": value}).status == 200
