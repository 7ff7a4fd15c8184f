"""The comparisons themselves: a stand-in that does all right passes them, one that does one thing wrong does not."""

import pytest
import stand_in
from http_requests import READS, WRITES, Request, get
from instances import writes
from parity import transcript_of
from test_read_your_writes import WRITES as ROWS
from test_read_your_writes import stale
from test_who_sees_what import rows_of, wrongs
from transcript import differences

# Enough of each kind, for speed.
SOME = [
    *READS[::16],
    get("/nosuch.json"),
    get("/issues/1.json?include=attachments", "mona"),
    get("/issues/1%2fx.json"),
    get("/issues.json?limit=1&offset=2", "rita"),
    *WRITES[2:6],
    Request("DELETE", "/issues/$issue.json", "mona"),
]
PRIVATE = ("/issues/2.json", "/issues/9.json", "/users/current.json")


@pytest.fixture
def standing_in():
    """A function that starts a stand-in before an instance; its address."""
    started = []

    def start(instance, wrong=None):
        started.append(stand_in.StandIn(instance.url, wrong))
        return started[-1].url

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def straight_at_it(sub_uri):
    """The transcript without anything between, and the writes it makes."""
    mark = sub_uri.mark()
    return transcript_of(sub_uri.description, layer="http", requests=SOME), writes(sub_uri.reached(mark))


def transcript_differs(sub_uri, straight_at_it, through):
    """How the transcript differs with something between, or that other writes reached Redmine."""
    expected, asked = straight_at_it
    mark = sub_uri.mark()
    told = differences(expected, transcript_of(sub_uri.description, through, layer="http", requests=SOME))
    return told or ("" if asked == writes(sub_uri.reached(mark)) else "other writes")


def test_what_is_right_passes(sub_uri, straight_at_it, straight, behind, standing_in, seen):
    assert transcript_differs(sub_uri, straight_at_it, standing_in(sub_uri)) == ""
    assert wrongs(standing_in(behind), behind, seen(rows_of(behind.sample, PRIVATE, ()))) == ""
    assert stale(standing_in(behind), behind, straight, ROWS[:7]) == ""


@pytest.mark.parametrize("wrong", stand_in.IN_TRANSCRIPT)
def test_a_transcript_shows(sub_uri, straight_at_it, standing_in, wrong):
    assert transcript_differs(sub_uri, straight_at_it, standing_in(sub_uri, wrong)) != ""


@pytest.mark.parametrize("wrong", stand_in.TO_OTHERS)
def test_isolation_shows(behind, standing_in, wrong, seen):
    assert wrongs(standing_in(behind, wrong), behind, seen(rows_of(behind.sample, PRIVATE, ()))) != ""


@pytest.mark.parametrize("wrong", stand_in.STALE)
def test_reading_shows(straight, behind, standing_in, wrong):
    assert stale(standing_in(behind, wrong), behind, straight, ROWS[:2]) != ""
