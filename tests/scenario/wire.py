"""HTTP/1.1 as bytes on a socket, for both ends of the scenarios.

Neither http.client nor http.server is used here: they mend what they read, and
a scenario must see exactly what was sent.
"""

import hashlib
import itertools
import os
import random
import socket
import struct
import threading

BLOCK = 65536

# Tests on a slow or instrumented build wait longer, never less surely.
PATIENCE = float(os.environ.get("REDMINE_CACHED_PATIENCE", "1"))
LIMIT = 15 * PATIENCE


class Broken(Exception):
    """The stream ended, or made no sense, before the message was whole."""


class Stream:
    """A socket and the bytes read from it that nobody has asked for yet."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = bytearray()
        self.received = 0

    def fill(self):
        try:
            data = self.sock.recv(BLOCK)
        except TimeoutError:
            raise
        except OSError as error:
            raise Broken(f"reading: {error}") from error
        if not data:
            raise Broken(f"the stream ended with {len(self.buffer)} bytes unused: {bytes(self.buffer[:200])!r}")
        self.received += len(data)
        self.buffer += data

    def take(self, count):
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def until(self, mark, limit=1 << 20):
        """Everything up to and with mark."""
        start = 0
        while True:
            at = self.buffer.find(mark, start)
            if at >= 0:
                return self.take(at + len(mark))
            if len(self.buffer) > limit:
                raise Broken(f"no {mark!r} in {limit} bytes")
            start = max(0, len(self.buffer) - len(mark) + 1)
            self.fill()

    def some(self, most):
        """At least one byte, at most `most`."""
        if not self.buffer:
            self.fill()
        return self.take(most)

    def at_end(self):
        """True if the peer has closed and nothing is left; waits for either."""
        if self.buffer:
            return False
        try:
            self.fill()
        except Broken:
            return True
        return False

    def rest(self):
        """Everything until the peer closes, and whether it closed in order (no reset)."""
        while True:
            try:
                data = self.sock.recv(BLOCK)
            except ConnectionError:
                return self.take(len(self.buffer)), False
            if not data:
                return self.take(len(self.buffer)), True
            self.buffer += data


def parse_head(head):
    """A head's first line and its fields, in order, as (name, value) exactly as sent but for the white space around the value."""
    lines = head.decode("latin-1").split("\r\n")
    fields = []
    for line in lines[1:]:
        if line:
            name, _, value = line.partition(":")
            fields.append((name, value.strip(" \t")))
    return lines[0], fields


class Fields:
    """Look-ups on a list of (name, value), for whoever has `fields`."""

    fields = ()

    def all(self, name):
        return [value for known, value in self.fields if known.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return ", ".join(values) if values else default

    def has(self, name):
        return bool(self.all(name))


def chunked(message):
    return message.get("Transfer-Encoding", "").lower().endswith("chunked")


def parts_of_chunked(stream):
    while True:
        line = stream.until(b"\r\n", 4096)
        try:
            size = int(line.split(b";")[0].strip(), 16)
        except ValueError:
            raise Broken(f"not a chunk size: {line!r}") from None
        if size == 0:
            while stream.until(b"\r\n", BLOCK) != b"\r\n":
                pass
            return
        while size:
            data = stream.some(min(size, BLOCK))
            size -= len(data)
            yield data
        if stream.until(b"\r\n", 2) != b"\r\n":
            raise Broken("a chunk is longer than it said")


def parts_of_length(stream, length):
    while length:
        data = stream.some(min(length, BLOCK))
        length -= len(data)
        yield data


def parts_until_close(stream):
    while not stream.at_end():
        yield stream.some(BLOCK)


class Body:
    """A body as it is read: counted and hashed whole, kept up to a limit."""

    KEPT = 1 << 20

    def __init__(self, keep=KEPT):
        self.keep = keep
        self.size = 0
        self.kept = bytearray()
        self.digest = hashlib.sha256()

    def add(self, data):
        self.size += len(data)
        self.digest.update(data)
        if len(self.kept) < self.keep:
            self.kept += data[: self.keep - len(self.kept)]

    @property
    def sha256(self):
        return self.digest.hexdigest()


def blocks(size):
    """A body of `size` bytes, each block its own, made as it is needed."""
    filler = b"redmine, cached. " * (BLOCK // 17 + 1)
    number = 0
    while size > 0:
        block = (struct.pack(">Q", number) + filler)[: min(size, BLOCK)]
        yield block
        size -= len(block)
        number += 1


def sha256_of(parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def reset(sock):
    """Close with RST, whatever is in flight."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    sock.close()


class Ports:
    """Ports of this process alone: each block of them goes with a name that only one process of the machine can hold."""

    BLOCK = 500

    def __init__(self, first=15000, last=30000):  # outside of the range that outgoing connections draw from
        self.lock = threading.Lock()
        self.blocks = [range(port, port + self.BLOCK) for port in range(first, last, self.BLOCK)]
        random.shuffle(self.blocks)
        self.held = None
        self.next = None

    def claim(self):
        for block in self.blocks:
            self.held = socket.socket(socket.AF_UNIX)
            try:
                self.held.bind(f"\0redmine-cached-tests-{block.start}")
                return itertools.cycle(block)
            except OSError:
                self.held.close()
        raise RuntimeError("other tests hold every port")

    def take(self):
        with self.lock:
            self.next = self.next or self.claim()
            return next(self.next)


_ports = Ports()


def free_port():
    """A port that nobody listens on, and that no other test will choose before it is used."""
    while True:
        port = _ports.take()
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
