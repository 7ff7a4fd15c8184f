"""The requests that http_layer sends. In targets, $key_LOGIN stands for an API key and $NAME for an id made earlier."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    who: str = None  # sends that user's API key in X-Redmine-API-Key
    headers: tuple = ()
    body: object = None  # bytes, or a function that gives an iterable: sent chunked
    conditional: bool = False  # then once more, with If-None-Match
    creates: str = None  # what the id of the new resource is called from here on


def get(target, who=None, *headers, **how):
    return Request("GET", target, who, headers, **how)


def form(method, target, who, content, *headers, **how):
    return Request(method, target, who, (("Content-Type", "application/x-www-form-urlencoded"), *headers), content, **how)


def sent_json(method, target, who, content, *headers, **how):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Request(method, target, who, (("Content-Type", "application/json"), *headers), body, **how)


def sent_xml(method, target, who, content, **how):
    return Request(method, target, who, (("Content-Type", "application/xml"),), content.encode(), **how)


BASIC_DORA = ("Authorization", "Basic ZG9yYTpkb3JhLXBhc3N3b3Jk")  # dora:dora-password
BASIC_WRONG = ("Authorization", "Basic ZG9yYTp3cm9uZw==")

FORMATS = [
    get(f"/{path}.{form}{query}", who)
    for path, query, who in (
        ("issues", "?limit=3", "mona"),
        ("issues/1", "?include=attachments,journals,relations,children,watchers", "dora"),
        ("projects", "?limit=4", "rita"),
        ("projects/atlas", "", None),
        ("time_entries", "?limit=3", "dora"),
        ("news", "", None),
        ("projects/1/wiki/index", "", None),
        ("projects/1/wiki/Wiki", "?include=attachments", "rita"),
        ("projects/1/files", "", "dora"),
        ("projects/1/versions", "", None),
        ("users", "?limit=3", "admin"),
        ("users/current", "", "klaus"),
        ("search", "?q=cache&limit=3", "mona"),
        ("trackers", "", None),
        ("enumerations/issue_priorities", "", None),
        ("attachments/1", "", None),
        ("custom_fields", "", "admin"),
        ("queries", "", "dora"),
        ("nosuch", "", None),
        ("issues/999999", "", "admin"),
        ("issues/2", "", None),
        ("issues/2", "", "dora"),
    )
    for form in ("json", "xml")
]

IDENTITIES = [
    *(get("/issues/1.json", who, conditional=who == "mona") for who in ("admin", "mona", "rita", "olga", "lenny", None)),
    get("/issues/2.json?key=$key_admin"),
    get("/issues/2.json?key=wrong", "admin"),
    get("/issues/2.json?key=$key_rita", "admin"),
    get("/issues/2.json?key=", "admin"),
    get("/users/current.json", None, BASIC_DORA),
    get("/users/current.json", "rita", BASIC_DORA),
    get("/users/current.json", None, BASIC_WRONG),
    get("/users/current.json", None, ("Authorization", "basic ZG9yYTpkb3JhLXBhc3N3b3Jk")),
    get("/issues/9.json", "admin", ("X-Redmine-Switch-User", "rita")),
    get("/issues/9.json", "admin", ("X-Redmine-Switch-User", "dora")),
    get("/issues/9.json", "admin", ("X-Redmine-Switch-User", "nobody")),
    get("/issues/9.json", "dora", ("X-Redmine-Switch-User", "rita")),
    get("/users/current.json", "dora", ("Cookie", "Redmine=nothing")),
    get("/issues/999999.json", None, ("Accept-Language", "de")),
    get("/search.json?q=Atlas&limit=2", None, ("Accept-Language", "fr")),
    get("/issues.json?limit=1", None, ("X-Redmine-Nometa", "1")),
]

LISTS = [
    get("/issues.json" + query, "mona", conditional=query == "?limit=2")
    for query in (
        "", "?limit=2", "?limit=0", "?limit=-1", "?limit=x", "?limit=1000&project_id=7", "?offset=999999", "?offset=-5&limit=1",
        "?page=3&limit=2", "?page=3&limit=2&offset=1", "?nometa=1&limit=1", "?limit=1&sort=nosuch", "?limit=1&sort=priority:desc,id",
        "?status_id=zzz", "?status_id=closed&limit=2", "?status_id=*&issue_id=1,2,3", "?updated_on=garbage", "?query_id=999",
        "?project_id=9999", "?tracker_id=1|2&limit=1", "?f[]=subject&op[subject]=~&v[subject][]=wiki&limit=2",
        "?f%5B%5D=&limit=1", "?created_on=%3E%3C2023-09-01|2023-09-02&status_id=*&sort=id", "?limit=5&limit=1", "?limit=1&&",
        "?limit=1;offset=2", "?%6Cimit=1", "?limit=%zz", "?limit[]=5", "?subject=~%C3%BCber&limit=1", "?include=relations,attachments&limit=2",
        "?callback=cb&limit=1", "?jsonp=a.b%3Cc&limit=1", "?format=xml&limit=1", "?limit=1&utf8=%E2%9C%93",
        "?assigned_to_id=me&limit=1",
    )
]  # fmt: skip

# What puma itself refuses, without asking Redmine. Not on a connection that has just served another request: there puma 5.6
# says nothing for 20 s and closes it.
REFUSED = [get("/issues.json?x=<", "mona"), get("/issues.json?x=" + "y" * 12000, "mona")]

PATHS = [
    get(path, "mona")
    for path in (
        "//issues.json?limit=1", "/issues.json/?limit=1", "/issues/0001.json", "/issues/1abc.json", "/ISSUES.json", "/issues.JSON",
        "/issues%2ejson", "/./issues.json", "/a/../issues.json", "/%70rojects.json?limit=1", "/projects/1/wiki/wiki.json",
        "/projects/ATLAS.json", "/projects/eridanus.json", "/issues?format=json&limit=1", "/issues", "/nosuch", "/issues/1",
        "/issues/1.atom", "/issues.pdf.json", "/issues.yaml", "/projects/1/wiki/H%C3%A4ufige_Fragen.json", "/robots.txt", "/favicon.ico",
        "/stylesheets/application.css", "/login", "/projects/atlas/roadmap", "/admin",
    )
]  # fmt: skip

OTHER_FORMATS = [
    get("/issues.atom?limit=3", "mona"),
    get("/issues.atom?key=$key_mona"),
    get("/projects/1/issues.atom", None),
    get("/activity.atom?key=$key_rita"),
    get("/news.atom", None),
    get("/issues.csv?project_id=5&limit=5", "mona"),
    get("/issues.csv?project_id=5&c[]=subject&c[]=status&encoding=UTF-8", "klaus"),
    get("/time_entries.csv?project_id=5", "dora"),
    get("/issues.json?limit=1", None, ("Accept", "application/xml")),
    get("/issues?limit=1", None, ("Accept", "application/json")),
    get("/issues.json?limit=1", "mona", ("Accept-Encoding", "gzip")),
    get("/issues.json?limit=1", "mona", ("If-Modified-Since", "Mon, 22 Nov 2027 00:00:00 GMT")),
    get("/issues.json?limit=1", "mona", ("Cache-Control", "no-cache")),
]

ATTACHMENTS = [
    get("/attachments/download/1/notes.txt", None, conditional=True),
    get("/attachments/download/1/notes.txt", "mona"),
    get("/attachments/download/1", None),
    get("/attachments/download/1/wrong.txt", None),
    get("/attachments/download/1/notes.txt", None, ("Range", "bytes=0-9")),
    get("/attachments/download/2/blob.bin", None),
    get("/attachments/download/4/%C3%9Cbersicht%20%E6%97%A5%E6%9C%AC.csv", None),
    get("/attachments/download/5/secret.txt", None),
    get("/attachments/download/5/secret.txt", "mona"),
    get("/attachments/download/5/secret.txt", "dina"),
    get("/attachments/download/6/private.txt?key=$key_admin"),
    get("/attachments/download/7/plan.pdf", None),
    get("/attachments/thumbnail/3", None),
    get("/attachments/thumbnail/3/200", "mona"),
    get("/attachments/thumbnail/1", None),
]

METHODS = [
    *(
        Request("HEAD", path, "mona")
        for path in (
            "/issues.json?limit=2",
            "/issues/1.json",
            "/issues/999999.json",
            "/nosuch",
            "/attachments/download/1/notes.txt",
        )
    ),
    Request("HEAD", "/issues/2.json", None),
    Request("OPTIONS", "/issues.json", None),
    Request("OPTIONS", "/issues.json", None, (("Origin", "http://example.org"), ("Access-Control-Request-Method", "GET"))),
]

READS = [*FORMATS, *IDENTITIES, *LISTS, *PATHS, *OTHER_FORMATS, *ATTACHMENTS, *METHODS]

NEW = {"issue": {"project_id": "atlas", "subject": "By hand & <such>", "description": "äöü"}}
OCTETS = ("Content-Type", "application/octet-stream")

WRITES = [
    Request("PROPFIND", "/issues.json", None),  # for all that one knows these write
    Request("FROBNICATE", "/issues.json", None),
    sent_json("POST", "/issues.json", "dora", NEW, creates="issue"),
    get("/issues/$issue.json", None, conditional=True),
    get("/issues.json?limit=1", None),
    sent_json("PUT", "/issues/$issue.json", "dora", {"issue": {"notes": "One", "done_ratio": 10}}),
    get("/issues/$issue.json?include=journals", None),
    sent_json("PATCH", "/issues/$issue.json", "dora", {"issue": {"notes": "Two", "done_ratio": 20}}),
    get("/issues/$issue.json?include=journals", None),
    sent_json(
        "POST", "/issues/$issue.json", "dora", {"issue": {"notes": "Three", "done_ratio": 30}}, ("X-HTTP-Method-Override", "PUT")
    ),
    get("/issues/$issue.json?include=journals", None),
    form("POST", "/issues/$issue.json", "dora", b"_method=put&issue[notes]=Four&issue[done_ratio]=40"),
    get("/issues/$issue.json?include=journals", None),
    form("POST", "/issues/$issue.json?_method=put", "dora", b"issue[notes]=no"),
    sent_xml("PUT", "/issues/$issue.xml", "dora", "<issue><notes>Five &amp; five</notes><done_ratio>50</done_ratio></issue>"),
    get("/issues/$issue.xml?include=journals", None),
    sent_json("PUT", "/issues/$issue.json", "dora", {"issue": {}}),
    sent_json("PUT", "/issues/$issue.json", "dora", {"issue": {"subject": ""}}),
    sent_json("PUT", "/issues/$issue.json", "klaus", {"issue": {"subject": ""}}),
    sent_json("PUT", "/issues/$issue.json", None, {"issue": {"notes": "no"}}),
    sent_json("PUT", "/issues/$issue.json", "rita", {"issue": {"subject": "no"}}),
    sent_json("PUT", "/issues/$issue.json", "dora", {"issue": {"notes": "stale", "lock_version": 0}}),
    sent_json("PUT", "/issues/999999.json", "dora", {"issue": {"notes": "no"}}),
    sent_json("POST", "/issues.json", "dora", b'{"issue": {"project_id": 1,'),
    sent_xml("POST", "/issues.xml", "dora", "<issue><project_id>1</project"),
    sent_xml("POST", "/issues.xml", "dora", "<issue><project_id>1</project_id></issue>"),
    Request("POST", "/issues.json", "dora", (("Content-Type", "text/plain"),), json.dumps(NEW).encode()),
    Request("POST", "/issues", "dora", (("Content-Type", "application/json"),), json.dumps(NEW).encode()),
    form("POST", "/issues", None, b"format=json&key=wrong&issue[project_id]=1&issue[subject]=no"),
    sent_json("POST", "/projects/1/issues.json", "dora", {"issue": {"subject": "With hours"}}, creates="second"),
    sent_json(
        "POST", "/issues/$second/time_entries.json", "dora", {"time_entry": {"hours": 2.5, "activity_id": 8}}, creates="entry"
    ),
    get("/issues/$second.json", None),
    sent_json("PUT", "/time_entries/$entry.json", "mona", {"time_entry": {"hours": 4}}),
    get("/time_entries/$entry.json", None),
    sent_json(
        "POST",
        "/issues/$issue/relations.json",
        "dora",
        {"relation": {"issue_to_id": 12, "relation_type": "relates"}},
        creates="relation",
    ),
    get("/issues/12.json?include=relations", None),
    Request("DELETE", "/relations/$relation.json", "dora"),
    get("/issues/12.json?include=relations", None),
    sent_json("POST", "/issues/$issue/watchers.json", "mona", {"user_id": 7}),
    get("/issues/$issue.json?include=watchers", "mona"),
    Request("DELETE", "/issues/$issue/watchers/7.json", "mona"),
    get("/issues/$issue.json?include=watchers", "mona"),
    Request("POST", "/uploads.json?filename=a%20%C3%BC.txt", "dora", (OCTETS,), b"contents\n", creates="upload"),
    Request(
        "POST",
        "/uploads.json?filename=chunked.bin",
        "dora",
        (OCTETS,),
        lambda: iter([b"part " * 1000, b"and", b" rest"]),
        creates="chunked",
    ),
    Request("POST", "/uploads.xml?filename=empty", "dora", (OCTETS,), b""),
    Request("POST", "/uploads.json?filename=b", "dora", (("Content-Type", "text/plain"),), b"x"),
    Request("POST", "/uploads.json?filename=c", None, (OCTETS,), b"x"),
    Request("POST", "/uploads.json?filename=d", "dora", (OCTETS,), bytes(5 * 1024 * 1024 + 1)),
    Request("POST", "/uploads.json?filename=e", "dora", (OCTETS, ("Expect", "100-continue")), b"expected\n", creates="expected"),
    sent_json("PUT", "/projects/1/wiki/By_hand.json", "dora", {"wiki_page": {"text": "h1. One"}}),
    get("/projects/1/wiki/By_hand.json", None),
    sent_json("PUT", "/projects/1/wiki/By_hand.json", "dora", {"wiki_page": {"text": "h1. Two", "version": 1}}),
    get("/projects/1/wiki/By_hand.json", None),
    sent_json("PUT", "/projects/1/wiki/By_hand.json", "mona", {"wiki_page": {"text": "late", "version": 1}}),
    Request("DELETE", "/projects/1/wiki/By_hand.json", "mona"),
    get("/projects/1/wiki/By_hand.json", None),
    sent_json("PUT", "/users/1.json", "mona", {"user": {"lastname": "no"}}),
    sent_json("PUT", "/issue_statuses/1.json", "admin", {"issue_status": {"name": "no"}}),
    Request("DELETE", "/users/1.json", "admin"),
    form("POST", "/issues/$second.json", "mona", b"_method=delete"),
    get("/issues/$second.json", None),
    Request("DELETE", "/issues/$issue.json", "dora"),
    Request("DELETE", "/issues/$issue.json", "mona"),
    get("/issues/$issue.json", None),
    get("/issues.json?limit=1", None),
]
