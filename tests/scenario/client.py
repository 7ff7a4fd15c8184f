"""A client that sends exactly the bytes it is given and shows exactly the bytes that came back."""

import http.client
import re
import socket

import wire
from wire import LIMIT, Broken, Fields, Stream


class Answer(Fields):
    """One answer, whole or broken off (`broken` says how)."""

    def __init__(self, raw):
        self.raw = raw
        self.line, self.fields = wire.parse_head(raw)
        self.version, _, rest = self.line.partition(" ")
        status, _, self.reason = rest.partition(" ")
        self.status = int(status)
        self.interim = []
        self.content = wire.Body()
        self.broken = None
        self.framing = None

    def __repr__(self):
        return f"<{self.line} {self.cache_status or ''} {self.content.size} bytes{' BROKEN' if self.broken else ''}>"

    @property
    def body(self):
        return bytes(self.content.kept)

    @property
    def text(self):
        return self.body.decode()

    @property
    def cache_status(self):
        return self.get("Cache-Status")

    @property
    def cache(self):
        """The parameters of our own Cache-Status entry; a flag's value is True."""
        own = [entry for entry in (self.cache_status or "").split(",") if entry.strip().startswith("redmine-cached")]
        assert len(own) == 1, f"not one entry of ours in Cache-Status: {self.cache_status!r}"
        found = {}
        for parameter in own[0].split(";")[1:]:
            name, equals, value = parameter.strip().partition("=")
            found[name] = value.strip('"') if equals else True
        return found

    @property
    def hit(self):
        return bool(self.cache.get("hit"))

    @property
    def whole(self):
        return self.broken is None


class Connection:
    """A connection to the daemon: ("127.0.0.1", port), or the path of a Unix socket."""

    def __init__(self, address, limit=LIMIT, receive_buffer=None, send_buffer=None):
        family = (
            socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        )
        self.sock = socket.socket(family)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if send_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        self.sock.settimeout(limit)
        self.sock.connect(address)
        self.stream = Stream(self.sock)
        self.host = {
            socket.AF_UNIX: "localhost",
            socket.AF_INET: "{}:{}",
            socket.AF_INET6: "[{}]:{}",
        }[
            family
        ].format(*address)

    def send(self, data):
        self.sock.sendall(data)
        return self

    def ask(self, method, target, fields=(), body=None, host=True, version="HTTP/1.1"):
        """Send a request; a body that is not bytes is an iterable and goes out chunked."""
        fields = list(fields.items() if isinstance(fields, dict) else fields)
        if host:
            fields.insert(0, ("Host", self.host if host is True else host))
        if isinstance(body, (bytes, bytearray)):
            fields.append(("Content-Length", str(len(body))))
        elif body is not None and not any(name.lower() == "content-length" for name, _ in fields):
            fields.append(("Transfer-Encoding", "chunked"))
        lines = [f"{method} {target} {version}"] + [f"{name}: {value}" for name, value in fields]
        self.send(
            "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body if isinstance(body, (bytes, bytearray)) else b"")
        )
        if body is not None and not isinstance(body, (bytes, bytearray)):
            plain = any(name.lower() == "content-length" for name, _ in fields)
            for part in body:
                self.send(part if plain else wire.chunk(part))
            if not plain:
                self.send(b"0\r\n\r\n")
        return self

    def head(self):
        """The next answer's head, interim answers collected in it."""
        interim = []
        while True:
            answer = Answer(self.stream.until(b"\r\n\r\n"))
            if answer.status >= 200 or answer.status == 101:
                answer.interim = interim
                return answer
            interim.append(answer)

    def parts(self, answer, method="GET"):
        """The body of an answer whose head was read, part by part."""
        length = answer.get("Content-Length")
        if method == "HEAD" or answer.status in (204, 304):
            answer.framing = "none"
            return
        if wire.chunked(answer):
            answer.framing, source = "chunked", wire.parts_of_chunked(self.stream)
        elif length is not None:
            answer.framing, source = "length", wire.parts_of_length(self.stream, int(length))
        else:
            answer.framing, source = "close", wire.parts_until_close(self.stream)
        for part in source:
            answer.content.add(part)
            yield part

    def answer(self, method="GET", keep=None):
        """The next answer, body included. What breaks off in the body comes back as broken."""
        answer = self.head()
        if keep is not None:
            answer.content.keep = keep
        try:
            for _ in self.parts(answer, method):
                pass
        except Broken as error:
            answer.broken = str(error)
        return answer

    def request(self, method, target, fields=(), body=None, **how):
        return self.ask(method, target, fields, body, **how).answer(method)

    def get(self, target, fields=(), **how):
        return self.request("GET", target, fields, **how)

    def closed(self):
        """True if the daemon ends the connection and sends nothing more before."""
        return self.stream.at_end()

    def ends(self):
        """True if the daemon ends the connection; libmicrohttpd 0.9.75 writes the head of its own errors twice."""
        try:
            while self.stream.sock.recv(65536):
                pass
        except ConnectionError:  # what it had not read when it closed
            pass
        return True

    def reset(self):
        wire.reset(self.sock)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def http_client(address):
    """The standard library's client: a second opinion on our framing."""
    return http.client.HTTPConnection(*address, timeout=LIMIT)


def masked(fields, names=("date", "age", "cache-status", "server-timing", "via", "x-request-id")):
    """Fields without those that differ from answer to answer, names in lower case."""
    return [(name.lower(), value) for name, value in fields if name.lower() not in names]


def ttl(answer):
    """What a hit says is left of its lifetime, in seconds."""
    assert answer.hit and re.fullmatch(
        r"-?\d+", answer.cache.get("ttl", "")
    ), f"no hit with a ttl: {answer.cache_status!r}"
    return int(answer.cache["ttl"])
