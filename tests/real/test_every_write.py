"""A long random mix of every write of the API through the daemon, and of reads by several users, each compared with
Redmine asked directly. REDMINE_CACHED_MIX_SECONDS says how long (25), REDMINE_CACHED_MIX_SEED which mix (a fixed one),
REDMINE_CACHED_MIX_KINDS which kinds of writes, by how their names begin (all)."""

import collections
import os
import time

import pytest

from http_layer import ask
from instances import Instance
from people import everybody, shown_all, told_apart
from write_mix import Mix

SECONDS = float(os.environ.get("REDMINE_CACHED_MIX_SECONDS", "25"))
SEED = int(os.environ.get("REDMINE_CACHED_MIX_SEED", "20261122"))
KINDS = os.environ.get("REDMINE_CACHED_MIX_KINDS", "").split()
READERS = ("admin", "mona", "rita", "olga", "nobody")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A Redmine of this module's own: what is written here is not undone."""
    instance = Instance(tmp_path_factory.mktemp("redmine") / "mixed", workers=2)
    yield instance
    instance.stop()


def hits(daemon, rows):
    """Which of the rows the daemon answers from what it has."""
    found = set()
    for target, person in rows:
        answer = ask(daemon.url, "GET", person.target(target), [*person.headers, ("Cache-Control", "only-if-cached")])
        if answer.status == 200:
            found.add((target, person))
    return found


def test_nobody_reads_what_was_before_any_write(mixed, launch, record_property, capsys):
    daemon = launch(mixed, **{"lifetime.search": "60s"})
    mix = Mix(daemon.url, mixed, SEED, KINDS)
    people = [person for person in everybody(mixed.sample) if person.name in READERS]
    problems, writes, held = [], 0, 0
    dropped, needless = collections.Counter(), collections.Counter()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or writes < len(mix.kinds) // 4:
        rows = [(target, mix.random.choice(people)) for target in mix.reads()]
        before = shown_all(daemon.url, rows, mixed)
        kept = hits(daemon, rows)
        what, _ = mix.one()
        writes += 1
        left = hits(daemon, kept)
        after = shown_all(daemon.url, rows, mixed)
        expected = shown_all(mixed.url, rows, mixed)
        told = told_apart(expected, after)
        if told:
            problems.append(f"{what}\n{told}")
        gone = kept - left
        held += len(kept)
        dropped[mix.kind] += len(gone)
        needless[mix.kind] += sum(before[row] == expected[row] for row in gone)
    worst = ", ".join(f"{kind} {count} of {dropped[kind]}" for kind, count in needless.most_common())
    figures = f"{writes} writes {mix.statuses}, {held} answers held, {dropped.total()} dropped, {needless.total()} of them for nothing"
    record_property("figures", figures)
    with capsys.disabled():
        print(f"\n{figures}: {worst}")
    assert problems == [], "\n\n".join(problems)
    assert held > dropped.total() > 0
