"""Requests byte by byte: for each, the status line, the end-to-end headers and the body, minus what must differ."""

import hashlib
import http.client
import re
from dataclasses import dataclass
from string import Template
from urllib.parse import urlsplit

from http_requests import READS, WRITES

# Of one connection, or of one moment; the daemon's own; and those looked at apart (see `headers` below).
LEFT_OUT = {
    "connection", "keep-alive", "transfer-encoding", "content-length",  # the client itself fails on a body of another length
    "date", "x-runtime", "x-request-id",
    "via", "age", "cache-status", "server-timing",
    "set-cookie", "etag",
}  # fmt: skip
WEAK_TAG = re.compile(r'W/"[0-9a-f]{32,64}"')
SESSION = re.compile(r"=[^;]*")
LONG = 200_000
TIMEOUT = 60  # seconds


@dataclass
class Answer:
    status: int
    reason: str
    headers: list
    body: bytes

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        return next(iter(self.all(name)), None)

    @property
    def type(self):
        return self.get("Content-Type") or ""


def ask(base, method, target, headers=(), body=None):
    """One request on a connection of its own. `target` is sent as it is, after the base's path."""
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT)
    try:
        connection.putrequest(method, parts.path + target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        chunked = body is not None and not isinstance(body, bytes)
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        elif body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body, encode_chunked=chunked)
        response = connection.getresponse()
        return Answer(response.status, response.reason, response.getheaders(), response.read())
    finally:
        connection.close()


class HttpScript:
    def __init__(self, base, sample, transcript, requests=(*READS, *WRITES)):
        self.base = base
        self.sample = sample
        self.transcript = transcript
        self.requests = requests
        self.values = {f"key_{login}": key for login, key in sample["keys"].items()}

    def run(self):
        for request in self.requests:
            self.one(request)
            if request.conditional:
                self.again(request)

    def send(self, request, *more):
        """Send it, with `more` headers."""
        key = [("X-Redmine-API-Key", self.sample["keys"][request.who])] if request.who else []
        body = request.body() if callable(request.body) else request.body
        target = Template(request.target).substitute(self.values)
        return ask(self.base, request.method, target, [*key, *request.headers, *more], body)

    def one(self, request):
        answer = self.send(request)
        if request.creates:
            found = re.search(rb'"id":(\d+)', answer.body)
            number = self.values[request.creates] = int(found[1]) if found else 0
            self.transcript.names.name(number, request.creates)
        shown = "".join(f" {name}: {value}" for name, value in request.headers)
        self.transcript.title(f"{request.method} {request.target[:200]} as {request.who}{shown}")
        self.write(request, answer)

    def again(self, request):
        """Once more with the tag just got. (A list of tags, or `*`, Redmine takes for another tag; a cache need not.)"""
        tag = self.send(request).get("ETag") or "none"
        self.transcript.title(f"{request.method} {request.target} as {request.who}, If-None-Match with its own tag")
        self.write(request, self.send(request, ("If-None-Match", tag)))

    def write(self, request, answer):
        say = self.transcript.text
        kind = kind_of(answer)
        say(f"{answer.status} {answer.reason}")
        for name, value in sorted(self.headers(request, answer)):
            say(f"{name}: {value}", "page" if name == "location" else None)
        say("")
        text = readable(answer.body)
        if text is None:
            say(f"{len(answer.body)} bytes, sha256 {hashlib.sha256(answer.body).hexdigest()}")
        else:
            say(text, kind)

    def headers(self, request, answer):
        """End-to-end headers, names in lower case. A tag that follows from an address or a moment is only looked at."""
        rows = [(name.lower(), value) for name, value in answer.headers if name.lower() not in LEFT_OUT]
        tag = answer.get("ETag")
        if answer.status == 304:  # Redmine's own has the fields of an empty answer, a cache's those of what it kept
            return [("etag", WEAK_TAG.sub("{weak tag}", tag or ""))]
        if tag is not None:
            text = readable(answer.body)
            settled = "/thumbnail/" not in request.target and (  # their tag follows from a path of that machine
                text is None or self.transcript.names.text(text, kind_of(answer)) == text
            )
            known = settled and answer.body and answer.status == 200
            rows.append(("etag", tag if known else WEAK_TAG.sub("{weak tag}", tag)))
        # The daemon drops a session's cookie from API answers, and never keeps one: only pages for people must have it.
        if "html" in answer.type:
            rows += [("set-cookie", SESSION.sub("={session}", value, count=1)) for value in answer.all("Set-Cookie")]
        return rows


def kind_of(answer):
    """What of its text may name Redmine's own address; see Names.text."""
    return next((kind for mark, kind in (("html", "page"), ("atom", "feed")) if mark in answer.type), None)


def readable(body):
    """The body as text, None if it is none or very long."""
    try:
        return body.decode() if len(body) < LONG else None
    except UnicodeDecodeError:
        return None
