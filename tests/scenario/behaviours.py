"""What the fake can be told to do with a request: whole answers, and steps to make broken ones from."""

import threading
from http import HTTPStatus

import wire


def head(status=200, fields=(), reason=None, version="HTTP/1.1"):
    """The bytes of an answer's head."""
    if reason is None:
        reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Whatever"
    lines = [f"{version} {status} {reason}"]
    lines += [f"{name}: {value}" for name, value in (fields.items() if isinstance(fields, dict) else fields)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def READ(exchange):
    """A step: read the whole request body."""
    exchange.read_body()


def RESET(exchange):
    """A step: end the connection with RST."""
    exchange.reset()


def CLOSE(exchange):
    """A step: end the connection in order."""
    exchange.close()


def GONE(exchange):
    """A step: wait until the daemon has closed the connection, then leave too."""
    exchange.request.left = exchange.gone()
    exchange.close()


def script(*steps):
    """A behaviour from steps: bytes are sent; anything else is called with the exchange."""

    def behave(exchange):
        for step in steps:
            if isinstance(step, (bytes, bytearray)):
                exchange.send(step)
            else:
                step(exchange)
            if exchange.closed:
                return

    return behave


def reply(status=200, body=b"", fields=(), reason=None):
    """A whole answer."""
    return lambda exchange: exchange.answer(status, body, fields, reason)


def json_reply(body, status=200, fields=()):
    """A whole JSON answer, as cacheable as Redmine's own are."""
    return reply(status, body, [("Content-Type", "application/json; charset=utf-8"), *fields])


def chunked_reply(parts, fields=(), status=200):
    """A chunked answer, a chunk each part; a part may be a step."""
    steps = [READ, head(status, [*fields, ("Transfer-Encoding", "chunked")])]
    steps += [wire.chunk(part) if isinstance(part, bytes) else part for part in parts]
    return script(*steps, b"0\r\n\r\n")


def huge_reply(size, fields=(), framing="length"):
    """`size` bytes of wire.blocks(), made while they are sent."""

    def behave(exchange):
        exchange.read_body()
        if framing == "chunked":
            exchange.send(head(200, [*fields, ("Transfer-Encoding", "chunked")]), counted=False)
            for block in wire.blocks(size):
                exchange.send(wire.chunk(block))
            exchange.send(b"0\r\n\r\n")
            return
        exchange.send(head(200, [*fields, ("Content-Length", str(size))]), counted=False)
        for block in wire.blocks(size):
            exchange.send(block)

    return behave


def in_turn(*behaviours):
    """The first request gets the first behaviour, and so on; the last one stays."""
    lock = threading.Lock()
    left = list(behaviours)

    def behave(exchange):
        with lock:
            behaviour = left.pop(0) if len(left) > 1 else left[0]
        behaviour(exchange)

    return behave
