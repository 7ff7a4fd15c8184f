"""axios-redmine and node-redmine get from the daemon what they get from Redmine itself, whoever they are."""

import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import node_clients
import pytest
from instances import writes
from transcript import LAST_LOGIN, MOMENT

SCRIPT = Path(__file__).resolve().parent / "node" / "script.js"
SCRIPT_LIMIT = 300  # seconds


@pytest.fixture(scope="session")
def node_modules():
    return node_clients.node_modules()


def people(sample):
    """Each form of credential that these libraries know: name -> their options."""
    keys, passwords = sample["keys"], sample["passwords"]
    return {
        "admin": {"apiKey": keys["admin"]},
        "mona": {"apiKey": keys["mona"]},
        "rita": {"apiKey": keys["rita"]},
        "dora by password": {"username": "dora", "password": passwords["dora"]},
        "admin as rita": {"apiKey": keys["admin"], "impersonate": "rita"},
        "admin as nobody known": {"apiKey": keys["admin"], "impersonate": "nobody"},
        "rita as admin": {"apiKey": keys["rita"], "impersonate": "admin"},
        "a wrong key": {"apiKey": "0" * 40},
        "mona by key as user name": {"username": keys["mona"], "password": "x"},
        "dora by a wrong password": {"username": "dora", "password": "wrong"},
        "rita by parameter, with admin's key": {"apiKey": keys["admin"], "query": {"key": keys["rita"]}},
        "a wrong parameter, with admin's key": {"apiKey": keys["admin"], "query": {"key": "0" * 40}},
    }


def outcomes(library, node_modules, base, sample, brief=False):
    """What the script tells, but for moments of this run and the address: a list of lines."""
    plan = {"base": base, "people": people(sample), "brief": brief, "writers": ["admin", "rita", "a wrong key"]}
    done = subprocess.run(
        ["node", SCRIPT, library],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        timeout=SCRIPT_LIMIT,
        env=dict(os.environ, NODE_PATH=str(node_modules), NODE_NO_WARNINGS="1"),
    )
    assert done.returncode == 0 and done.stdout, done.stderr[-3000:]
    text = LAST_LOGIN.sub(r'\1"{login}"', MOMENT.sub("{moment}", done.stdout.replace(base, "{base}")))
    return re.sub(r'("(?:total_)?downloads":)\d+', r"\g<1>0", text).splitlines()


LIBRARIES = [version.partition("@")[0] for version in node_clients.CLIENTS]


def same(library, node_modules, straight, behind, daemon, brief):
    """Both are asked the same at the same time: what was told, and what reached each."""
    marks = straight.mark(), behind.mark()
    with ThreadPoolExecutor(2) as pool:
        expected = pool.submit(outcomes, library, node_modules, straight.url, straight.sample, brief)
        actual = pool.submit(outcomes, library, node_modules, daemon.url, behind.sample, brief)
    expected, actual = expected.result(), actual.result()
    different = [(mine, theirs) for mine, theirs in zip(actual, expected) if mine != theirs]
    assert not different, f"{len(different)} outcomes differ, the first:\n" + "\n".join(text[:1500] for text in different[0])
    assert len(actual) == len(expected)
    asked, reached = straight.reached(marks[0]), behind.reached(marks[1])
    assert writes(reached) == writes(asked), "not exactly the writes that were made reached Redmine"
    return actual, asked, reached


@pytest.mark.brief
@pytest.mark.parametrize("library", LIBRARIES)
def test_each_form_of_credential(library, node_modules, straight, behind, daemon):
    told, asked, reached = same(library, node_modules, straight, behind, daemon, brief=True)
    assert len(told) > 12 * 8
    assert len(reached) < 0.75 * len(asked), f"the cache had hardly a part in it: {len(reached)} of {len(asked)}"


@pytest.mark.long
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_same_as_redmine_itself(library, node_modules, straight, behind, daemon):
    told, asked, reached = same(library, node_modules, straight, behind, daemon, brief=False)
    assert len(told) > 12 * 22
    assert len(reached) < 0.75 * len(asked), f"the cache had hardly a part in it: {len(reached)} of {len(asked)}"


def test_the_script_tells_people_apart(node_modules, straight):
    """The tests above see nothing where all are shown the same."""
    told = outcomes("axios-redmine", node_modules, straight.url, straight.sample, brief=True)
    seen = {}
    for who, what, outcome in map(json.loads, told):
        seen.setdefault(who, {}).setdefault((what[0], *what[1:-1]), outcome)
    users = {who: json.dumps(answers["current_user",]) for who, answers in seen.items()}
    assert users["admin"] != users["rita"] == users["admin as rita"] == users["rita as admin"]
    assert users["rita by parameter, with admin's key"] == users["rita"]
    assert users["mona"] == users["mona by key as user name"] not in (users["admin"], users["rita"])
    for who in ("a wrong key", "dora by a wrong password", "a wrong parameter, with admin's key"):
        assert seen[who]["current_user",]["status"] == 401
    assert seen["a wrong key"]["issues",]["status"] == 200, "as everybody"
    assert seen["admin as nobody known"]["current_user",]["status"] == 412
    assert seen["admin"]["get_issue_by_id", 2]["status"] == 200
    assert seen["rita by parameter, with admin's key"]["get_issue_by_id", 2]["status"] == 403
