"""Once a write has been answered, nobody reads through the daemon what was before."""

import json
import re
import threading
from string import Template

import pytest
from http_layer import ask
from people import everybody, shown_all, told_apart


def put(target, who, content, *reads, readers=("mona", "nobody"), method="PUT", made=None, headers=()):
    """One write and what is read before and after it. `made`: what the new id is called in later rows."""
    return {"method": method, "target": target, "who": who, "content": content, "reads": reads, "readers": readers, "made": made,
            "headers": headers}  # fmt: skip


def post(*args, **how):
    return put(*args, **how, method="POST")


def delete(target, who, *reads, **how):
    return put(target, who, None, *reads, **how, method="DELETE")


def there_and_back(target, who, first, second, *reads, **how):
    return [put(target, who, first, *reads, **how), put(target, who, second, *reads, **how)]


FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
OVERRIDE = (("Content-Type", "application/json"), ("X-HTTP-Method-Override", "PUT"))
ISSUE_11 = ("/issues/11.json?include=journals", "/issues/11.xml", "/issues.json?issue_id=11&status_id=*")
ISSUE_12 = (
    "/issues/12.json",
    "/issues.json?issue_id=12&status_id=*",
    "/time_entries.json?limit=2",
    "/issues/12.json?include=journals",
)
RELATED = (
    "/issues/5.json?include=relations",
    "/issues/12.json?include=relations",
    "/issues.json?issue_id=5,12&status_id=*&include=relations",
)
VERSION = ("/versions/2.json", "/projects/1/versions.json", "/issues.json?fixed_version_id=2&project_id=1&status_id=*&limit=2")
PROJECT = (
    "/projects.json",
    "/projects/atlas.json",
    "/issues/1.json",
    "/time_entries.json?issue_id=1&limit=1",
    "/issues.json?project_id=1&limit=1",
)
MEMBER = ("/issues/3.json", "/projects.json", "/projects/atlas-secrets.json", "/issues.json?project_id=3&limit=2", "/attachments/5.json",
          "/attachments/download/5/secret.txt")  # fmt: skip
LOCK = ("/users/current.json", "/issues/9.json", "/issues.json?limit=2", "/my/account.json")
FILE = (
    "/attachments/1.json",
    "/issues/1.json?include=attachments",
    "/attachments/download/1/notes.txt",
    "/attachments/download/1/new.txt",
)
CLOSED = ("/projects.json", "/projects/12.json", "/projects.json?status=5", "/projects/gemini.json")
ARCHIVED = (
    "/projects.json",
    "/projects/20.json",
    "/issues.json?limit=3",
    "/time_entries.json?limit=3",
    "/projects/20/issues.json?limit=1",
)
NEWEST = (
    "/issues.json?limit=1",
    "/projects/atlas/issues.json?limit=1",
    "/issues.atom?issue_id=%3E%3D2990",
    "/issues.csv?issue_id=%3E%3D3001",
)

WRITES = [
    *there_and_back("/issues/11.json", "dora", {"issue": {"notes": "Seen.", "done_ratio": 70}}, {"issue": {"done_ratio": 10}},
                    *ISSUE_11, readers=("mona", "rita", "nobody", "admin as rita")),
    post("/issues/11.json", "dora", {"issue": {"notes": "In disguise."}}, *ISSUE_11[:2], headers=OVERRIDE),
    post("/issues/11.json", "dora", b"_method=put&issue[notes]=As+a+form.", *ISSUE_11[:2], headers=FORM),
    *there_and_back("/issues/11.json", "mona", {"issue": {"is_private": True}}, {"issue": {"is_private": False}},
                    "/issues/11.json", "/issues/1.json?include=relations", "/issues.json?issue_id=11&status_id=*"),
    *there_and_back("/issues/6.json", "dora", {"issue": {"estimated_hours": 7.5, "priority_id": 5}},
                    {"issue": {"estimated_hours": 1, "priority_id": 2}}, "/issues/1.json?include=children", "/issues/6.json"),
    post("/issues/12/time_entries.json", "dora", {"time_entry": {"hours": 1.25, "activity_id": 8}}, *ISSUE_12, made="entry"),
    put("/time_entries/$entry.json", "mona", {"time_entry": {"hours": 3}}, *ISSUE_12, "/time_entries/$entry.json"),
    delete("/time_entries/$entry.json", "mona", *ISSUE_12, "/time_entries/$entry.json"),
    post("/issues/12/relations.json", "dora", {"relation": {"issue_to_id": 5, "relation_type": "relates"}}, *RELATED, made="relation"),
    delete("/relations/$relation.json", "dora", *RELATED),
    post("/issues/12/watchers.json", "mona", {"user_id": 7}, "/issues/12.json?include=watchers", readers=("mona", "admin")),
    delete("/issues/12/watchers/7.json", "mona", "/issues/12.json?include=watchers", readers=("mona", "admin")),
    *there_and_back("/versions/2.json", "mona", {"version": {"name": "1.1b"}}, {"version": {"name": "1.1"}}, *VERSION),
    *there_and_back("/projects/atlas.json", "mona", {"project": {"name": "Atlanta"}}, {"project": {"name": "Atlas"}}, *PROJECT),
    *there_and_back("/users/7.json", "admin", {"user": {"firstname": "Dorothea"}}, {"user": {"firstname": "Dora"}},
                    "/issues/4.json", "/users/7.json", "/projects/1/memberships.json", "/projects/1/wiki/Setting_up.json"),
    *there_and_back("/users/11.json", "admin", {"user": {"status": 3}}, {"user": {"status": 1}}, *LOCK,
                    readers=("rita", "rita by parameter, with admin's header", "admin as rita")),
    *there_and_back("/my/account.json", "rita", {"user": {"firstname": "Margarita"}}, {"user": {"firstname": "Rita"}},
                    "/my/account.json", "/users/current.json", "/issues/9.json"),
    post("/projects/3/memberships.json", "marc", {"membership": {"user_id": 17, "role_ids": [4]}}, *MEMBER, readers=("olga", "nobody"), made="member"),
    put("/memberships/$member.json", "marc", {"membership": {"role_ids": [3]}}, "/memberships/$member.json", "/issues/3.json",
        "/projects/3/memberships.json", readers=("olga", "marc")),
    delete("/memberships/$member.json", "marc", *MEMBER, readers=("olga", "nobody")),
    *there_and_back("/projects/1/wiki/Setting_up.json", "dora", {"wiki_page": {"text": "h1. Anew"}}, {"wiki_page": {"text": "h1. As it was"}},
                    "/projects/1/wiki/Setting_up.json", "/projects/atlas/wiki/setting_up.xml", "/projects/1/wiki/index.json"),
    *there_and_back("/news/1.json", "mona", {"news": {"title": "Late news"}}, {"news": {"title": "News no. 1 & more"}},
                    "/news.json", "/news/1.json", "/projects/atlas/news.xml"),
    *there_and_back("/attachments/1.json", "mona", {"attachment": {"filename": "new.txt"}}, {"attachment": {"filename": "notes.txt"}}, *FILE),
    post("/projects/1/issue_categories.json", "mona", {"issue_category": {"name": "Glue"}}, "/projects/1/issue_categories.json",
         readers=("mona", "dora"), made="category"),
    put("/issues/12.json", "mona", {"issue": {"category_id": "$category"}}, "/issues/12.json"),
    put("/issue_categories/$category.json", "mona", {"issue_category": {"name": "Tape"}}, "/issues/12.json", "/projects/1/issue_categories.json",
        "/issue_categories/$category.json", readers=("mona", "dora")),
    delete("/issue_categories/$category.json", "mona", "/issues/12.json", "/projects/1/issue_categories.json"),
    put("/projects/12/close.json", "mona", None, *CLOSED),
    put("/projects/12/reopen.json", "mona", None, *CLOSED),
    put("/projects/20/archive.json", "admin", None, *ARCHIVED),
    put("/projects/20/unarchive.json", "admin", None, *ARCHIVED),
    post("/issues.json", "dora", {"issue": {"project_id": 1, "subject": "Newest"}}, *NEWEST, made="issue"),
    put("/issues/$issue.json", "dora", {"issue": {"subject": "Newest, renamed"}}, *NEWEST, "/issues/$issue.json"),
    delete("/issues/$issue.json", "mona", *NEWEST, "/issues/$issue.json"),
    post("/issues.json", "rita", {"issue": {"project_id": 1, "subject": "The same id again"}}, *NEWEST, "/issues/$issue.json", made="issue"),
    delete("/issues/$issue.json", "mona", *NEWEST),
]  # fmt: skip


class Writer:
    """Makes the rows' writes, at one address or several, and knows the ids made."""

    def __init__(self, sample):
        self.sample = sample
        self.made = {}

    def fill(self, text):
        return Template(text).safe_substitute(self.made)

    def write(self, base, row):
        content = row["content"]
        if isinstance(content, dict):
            content = self.fill(json.dumps(content)).encode()
        headers = [
            ("X-Redmine-API-Key", self.sample["keys"][row["who"]]),
            *(row["headers"] or [("Content-Type", "application/json")]),
        ]
        answer = ask(base, row["method"], self.fill(row["target"]), headers, content or b"")
        assert answer.status in (201, 204), f"{row['method']} {row['target']}: {answer.status} {answer.body[:300]}"
        return answer

    def remember(self, row, answer):
        if row["made"]:
            self.made[row["made"]] = re.search(rb'"id":(\d+)', answer.body)[1].decode()


def stale(through, instance, other=None, rows=WRITES):
    """What is shown through a cache after each write that is not what Redmine itself shows. `other` gets the same writes."""
    people = {person.name: person for person in everybody(instance.sample)}
    writer = Writer(instance.sample)
    told = []
    for row in rows:
        reads = [(writer.fill(read), people[name]) for read in row["reads"] for name in row["readers"]]
        before = shown_all(through, reads, instance)
        answer = writer.write(through, row)
        after = shown_all(through, reads, instance)
        expected = shown_all(instance.url, reads, instance)
        if other:
            writer.write(other.url, row)
        writer.remember(row, answer)
        assert before != expected, f"{row['method']} {row['target']} changes nothing of what is read"
        problems = told_apart(expected, after)
        if problems:
            told.append(f"after {row['method']} {row['target']} {row['content']}:\n{problems}")
    return "\n".join(told)


@pytest.mark.long
def test_nobody_reads_what_was_before(straight, behind, daemon):
    assert stale(daemon.url, behind, straight) == ""


@pytest.mark.long
def test_readers_beside_a_writer_never_fall_behind(straight, behind, daemon):
    """A read that begins after a write was answered shows that write or a later one; reads on the way do not undo it."""
    rounds = 12
    answered = [0]
    done = threading.Event()
    problems = []

    def number(who):
        headers = [("X-Redmine-API-Key", behind.keys[who])] if who else []
        body = ask(daemon.url, "GET", "/issues/12.json", headers).body
        return json.loads(body)["issue"]["done_ratio"] // 5

    def read(who):
        while not done.is_set():
            floor = answered[0]
            found = number(who)
            if found < floor:
                problems.append(f"{who} read {found} after {floor} had been answered")

    def write(value):
        row = put("/issues/12.json", "dora", {"issue": {"done_ratio": value}})
        Writer(behind.sample).write(daemon.url, row)
        Writer(straight.sample).write(straight.url, row)

    write(0)
    readers = [threading.Thread(target=read, args=(who,)) for who in ("mona", "mona", "rita", None)]
    for reader in readers:
        reader.start()
    try:
        for value in range(1, rounds + 1):
            write(5 * value)
            answered[0] = value
            assert number("mona") == value
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert problems == []
