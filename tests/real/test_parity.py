"""Everything asked through the daemon comes out as if asked of Redmine itself, the first time and again from the cache."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from http_layer import ask
from http_requests import READS, REFUSED
from instances import writes
from parity import transcript_of
from transcript import differences


def same(straight, behind, through, **how):
    """Ask both the same at the same time; the requests that reached each."""
    marks = straight.mark(), behind.mark()
    with ThreadPoolExecutor(2) as pool:
        expected = pool.submit(transcript_of, straight.description, **how)
        actual = pool.submit(transcript_of, behind.description, base=through, **how)
    told = differences(expected.result(), actual.result())
    assert not told, f"through the daemon it is different:\n{told}"
    asked, reached = straight.reached(marks[0]), behind.reached(marks[1])
    assert writes(reached) == writes(asked), "not exactly the writes that were made reached Redmine"
    return asked, reached


@pytest.mark.parametrize("layer", ["library", "http"])
def test_the_same_cold_and_warm(straight, behind, daemon, layer):
    asked, cold = same(straight, behind, daemon.url, layer=layer)
    assert asked
    asked, warm = same(straight, behind, daemon.url, layer=layer)
    assert len(warm) <= len(asked)


def test_a_sub_uri(sub_uri, launch):
    daemon = launch(sub_uri)
    requests = READS[::3]
    expected = transcript_of(sub_uri.description, layer="http", requests=requests)
    counts = []
    for _ in ("cold", "warm"):
        mark = sub_uri.mark()
        told = differences(expected, transcript_of(sub_uri.description, daemon.url, layer="http", requests=requests))
        assert not told, f"through the daemon it is different:\n{told}"
        counts.append(len(sub_uri.reached(mark)))
    assert counts[1] < 0.6 * counts[0], f"the second time hardly less reached Redmine: {counts}"


def test_what_redmines_server_refuses(straight, behind, daemon):
    same(straight, behind, daemon.url, layer="http", requests=REFUSED)


def test_redmine_is_asked_under_its_own_name_and_for_nothing_else(behind, daemon):
    mark = behind.mark()
    path = "/issues.json?limit=3&sort=id"
    extra = [
        ("Client-IP", "1.2.3.4"),
        ("X-Forwarded-Host", "evil.example.org"),
        ("X-Sendfile-Type", "X-Sendfile"),
    ]
    assert ask(daemon.url, "GET", path, extra).status == 200
    [request] = behind.reached(mark)
    assert request["host"] == behind.url.removeprefix("http://")
    assert not {"client-ip", "x-forwarded-host", "x-sendfile-type"} & set(request["headers"])


def test_a_get_with_a_body_is_refused_and_reaches_nobody(behind, daemon):
    mark = behind.mark()
    answer = ask(daemon.url, "GET", "/issues.json", [("Content-Type", "application/json")], b'{"limit":3}')
    assert answer.status == 400
    assert behind.reached(mark) == []


@pytest.mark.parametrize("target", ["/issues.json?limit=2", "/issues/1.json", "/attachments/download/1/notes.txt"])
@pytest.mark.parametrize("order", ["head first", "get first"])
def test_head_tells_the_length_of_the_body_that_get_has(daemon, target, order):
    target += "?" if "?" not in target else "&"
    target += f"order={order[0]}"
    first, second = (
        ask(daemon.url, method, target) for method in (("HEAD", "GET") if order == "head first" else ("GET", "HEAD"))
    )
    head, get = (first, second) if order == "head first" else (second, first)
    assert (head.status, head.body) == (200, b"")
    assert head.get("ETag") == get.get("ETag")
    # A length that is not known yet may be left out; a wrong one may not be told.
    assert head.get("Content-Length") in ((None, str(len(get.body))) if order == "head first" else (str(len(get.body)),))


@pytest.mark.parametrize("form", ["{}", '"x", {}', "strong", "*"])
def test_tags_are_compared_as_the_standard_says(behind, daemon, form):
    target = "/issues/5.json"
    first = ask(daemon.url, "GET", target)
    tag = first.get("ETag")
    sent = tag.removeprefix("W/") if form == "strong" else form.format(tag)
    again = ask(daemon.url, "GET", target, [("If-None-Match", sent)])
    assert again.status == 304 or (again.status, again.body) == (200, first.body)
    assert again.status == 304 or form != "{}"
    other = ask(daemon.url, "GET", target, [("If-None-Match", 'W/"0123456789abcdef0123456789abcdef"')])
    assert (other.status, other.body) == (200, first.body)


def test_a_second_read_reaches_nobody(behind, daemon):
    def read():
        return [ask(daemon.url, "GET", target, [("X-Redmine-API-Key", behind.keys["mona"])]).body for target in targets]

    targets = ["/issues.json?limit=100", "/issues/1.json?include=journals", "/projects.json", "/time_entries.json?limit=5",
               "/issue_statuses.json", "/projects/1/wiki/Wiki.json"]  # fmt: skip
    mark = behind.mark()
    first = read()
    assert len(behind.reached(mark)) == len(targets)
    assert read() == first
    assert len(behind.reached(mark)) == len(targets)
