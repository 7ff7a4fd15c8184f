"""A Redmine that does what a scenario tells it to, in the test's own process.

Left alone it answers like the real one (redmine_model.py). A scenario gives a
path a behaviour: a function that is handed an Exchange, or a script() of steps:

    fake.on("/issues.json", script(READ, head(200, {"Content-Length": 10}), b"half ", gate, RESET))

Bytes are sent as they are, a Gate holds until the scenario opens it, RESET and
CLOSE end the connection. Nothing waits by the clock.
"""

import socket
import ssl
import threading
import time

import wire
from behaviours import head, script
from redmine_model import Model
from wire import LIMIT, Body, Broken, Fields, Stream


class Gate:
    """Where a scripted answer waits until the scenario lets it on."""

    def __init__(self, opened=False):
        self.condition = threading.Condition()
        self.count = 0
        self.waiting = 0
        self.opened = opened

    def __call__(self, exchange):
        with self.condition:
            self.count += 1
            self.waiting += 1
            self.condition.notify_all()
            try:
                if not self.condition.wait_for(lambda: self.opened, 4 * LIMIT):
                    raise Broken("nobody opened the gate")
            finally:
                self.waiting -= 1

    def arrived(self, count=1, limit=LIMIT):
        """Wait until `count` exchanges have come to the gate, ever."""
        with self.condition:
            assert self.condition.wait_for(
                lambda: self.count >= count, limit
            ), f"{self.count} of {count} requests came to the gate in {limit} s"
        return self

    def open(self):
        with self.condition:
            self.opened = True
            self.condition.notify_all()

    def close(self):
        with self.condition:
            self.opened = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.open()


class Request(Fields):
    """What reached the fake, byte for byte."""

    def __init__(self, number, connection, raw):
        self.number = number
        self.connection = connection
        self.raw = raw
        self.line, self.fields = wire.parse_head(raw)
        self.method, _, rest = self.line.partition(" ")
        self.target, _, self.version = rest.rpartition(" ")
        self.path, _, self.query = self.target.partition("?")
        self.body = Body()
        self.body_read = False
        self.sent = 0
        self.broken = None
        self.finished = threading.Event()

    def __repr__(self):
        return f"<{self.number}@{self.connection} {self.method} {self.target}>"

    @property
    def has_body(self):
        return wire.chunked(self) or self.get("Content-Length", "0") != "0"


class Exchange:
    """One request and its answer in the making."""

    def __init__(self, fake, stream, request):
        self.fake = fake
        self.stream = stream
        self.request = request
        self.closed = False

    def parts(self):
        """The request's body, part by part."""
        if self.request.body_read:
            return
        if self.request.get("Expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n", counted=False)
        if wire.chunked(self.request):
            source = wire.parts_of_chunked(self.stream)
        else:
            source = wire.parts_of_length(self.stream, int(self.request.get("Content-Length", "0")))
        for part in source:
            self.request.body.add(part)
            yield part
        self.request.body_read = True

    def read_body(self):
        for _ in self.parts():
            pass
        return bytes(self.request.body.kept)

    def send(self, data, counted=True):
        """Send all of data, counting what the socket has taken."""
        view = memoryview(data)
        while view:
            try:
                count = self.stream.sock.send(view[: wire.BLOCK])
            except OSError as error:
                raise Broken(f"sending: {error}") from error
            view = view[count:]
            if counted and self.request:
                self.request.sent += count

    def answer(self, status=200, body=b"", fields=(), reason=None):
        """A whole answer as puma frames it: Content-Length always, 0 on HEAD."""
        self.read_body()
        silent = self.request.method == "HEAD" or status in (204, 304)
        fields = list(fields.items() if isinstance(fields, dict) else fields)
        if silent and status == 200:
            fields.append(("Content-Length", "0"))
        elif status not in (204, 304):
            fields.append(("Content-Length", str(len(body))))
        self.send(head(status, fields, reason) + (b"" if silent else body))

    def reset(self):
        self.closed = True
        wire.reset(self.stream.sock)

    def close(self):
        self.closed = True
        try:
            self.stream.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.stream.sock.close()

    def gone(self):
        """Wait until the other side has left; True if it did in time."""
        self.stream.sock.settimeout(LIMIT)
        try:
            return self.stream.at_end()
        except TimeoutError:
            return False


class Route:
    def __init__(self, match, behaviour, method=None, times=None):
        self.match = match
        self.behaviour = behaviour
        self.method = method
        self.times = times

    def fits(self, request):
        if self.times == 0 or self.method not in (None, request.method):
            return False
        if callable(self.match):
            return self.match(request)
        return self.match == (request.target if "?" in self.match else request.path)


class FakeRedmine:
    """The server: a thread a connection, everything it was asked kept in `requests`."""

    def __init__(self, tls=None, address="127.0.0.1", port=None, receive_buffer=None, send_buffer=None):
        self.tls = tls
        self.address = (address, port or wire.free_port())
        self.buffers = (receive_buffer, send_buffer)
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.connections = 0
        self.open = {}
        self.number = 0
        self.listener = None
        self.reset_script()
        self.start()

    def reset_script(self):
        """Forget behaviours, gates and records; the model is as new."""
        with self.lock:
            for gate in getattr(self, "gates", ()):
                gate.open()
            self.routes = []
            self.holds = []
            self.gates = []
            self.greetings = []
            self.requests = []
            self.active = 0
            self.peak = 0
            self.model = Model(self.base)

    @property
    def port(self):
        return self.address[1]

    @property
    def host(self):
        return f"{self.address[0]}:{self.address[1]}"

    @property
    def base(self):
        return ("https://" if self.tls else "http://") + self.host

    def start(self):
        """Listen (again, on the same port)."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.buffers[0]:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffers[0])
        if self.buffers[1]:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.buffers[1])
        listener.bind(self.address)
        listener.listen(1024)
        self.listener = listener
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def stop(self):
        """Refuse connections and end those there are."""
        listener, self.listener = self.listener, None
        if listener:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        with self.lock:
            for gate in self.gates:
                gate.open()
        self.drop_connections()

    def drop_connections(self):
        """End every connection, as a restart of puma does; returns when they are gone."""
        with self.lock:
            for sock in list(self.open.values()):
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            assert self.changed.wait_for(lambda: not self.open, LIMIT), "a connection of the fake does not end"

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                number = self.connections
                self.open[number] = sock
                greeting = self.greetings.pop(0) if self.greetings else None
            threading.Thread(target=self.converse, args=(sock, number, greeting), daemon=True).start()

    def converse(self, sock, number, greeting):
        try:
            if greeting:
                greeting(Exchange(self, Stream(sock), None))
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
                with self.lock:
                    self.open[number] = sock
                    if not self.listener:
                        return  # stopped during the handshake, when there was nothing to shut down
            stream = Stream(sock)
            while self.exchange(stream, number):
                pass
        except (Broken, OSError, ssl.SSLError):
            pass
        finally:
            sock.close()
            with self.changed:
                self.open.pop(number, None)
                self.changed.notify_all()

    def exchange(self, stream, number):
        """One request; True if another may follow on this connection."""
        raw = stream.until(b"\r\n\r\n")
        with self.changed:
            self.number += 1
            request = Request(self.number, number, raw)
            requests = self.requests
            requests.append(request)
            self.active += 1
            self.peak = max(self.peak, self.active)
            route, gates = self.find(request)
            self.changed.notify_all()
        exchange = Exchange(self, stream, request)
        try:
            if gates:
                exchange.read_body()
                for gate in gates:
                    gate(exchange)
            if route:
                route.behaviour(exchange)
            else:
                self.model.serve(exchange)
            if not exchange.closed:
                exchange.read_body()
        except Broken as error:
            request.broken = str(error)
            raise
        finally:
            request.finished.set()
            with self.changed:
                if requests is self.requests:
                    self.active -= 1
                self.changed.notify_all()
        return not exchange.closed and request.get("Connection", "").lower() != "close"

    def find(self, request):
        gates = [gate for fits, gate in self.holds if fits.fits(request)]
        for route in reversed(self.routes):
            if route.fits(request):
                if route.times:
                    route.times -= 1
                return route, gates
        return None, gates

    # What a scenario says.

    def on(self, match, behaviour, method=None, times=None):
        """Answer so what fits: a path, a target with its query, or a function of the request. The newest fit wins."""
        with self.lock:
            self.routes.append(Route(match, behaviour, method, times))

    def hold(self, match, method=None):
        """Hold what fits after it was read and before it is answered; a Gate comes back."""
        gate = self.gate()
        with self.lock:
            self.holds.append((Route(match, None, method), gate))
        return gate

    def gate(self):
        """A Gate for a script; it opens by itself when the fake ends."""
        gate = Gate()
        with self.lock:
            self.gates.append(gate)
        return gate

    def greet(self, *steps, times=1):
        """The next connections get this script before anything is read from them."""
        with self.lock:
            self.greetings += [script(*steps)] * times

    def seen(self, match=None, method=None):
        """The requests so far that fit."""
        with self.lock:
            fits = Route(match or (lambda request: True), None, method).fits
            return [request for request in self.requests if fits(request)]

    def wait_seen(self, match=None, count=1, method=None, limit=LIMIT):
        """Wait until `count` requests that fit have come; they come back."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.seen(match, method)) >= count, limit)
            seen = self.seen(match, method)
        assert len(seen) >= count, f"{len(seen)} of {count} requests for {match} came in {limit} s: {self.requests}"
        return seen

    def last(self, match=None, method=None):
        seen = self.seen(match, method)
        assert seen, f"nothing like {match} reached the fake: {self.requests}"
        return seen[-1]

    def wait_idle(self, limit=LIMIT):
        """Wait until no request is being answered."""
        with self.changed:
            assert self.changed.wait_for(lambda: not self.active, limit), f"{self.active} requests hang in the fake"


class Silence:
    """An address that takes no connection: SYNs are lost, as behind a firewall that drops."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.fillers = []
        self.base = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self.listener.getsockname())
            self.fillers.append(filler)

    def stop(self):
        for sock in [*self.fillers, self.listener]:
            sock.close()


def settled(read, rounds=25, pause=0.02, limit=LIMIT):
    """What read() returns once it has not changed for `rounds` looks in a row."""
    deadline = time.monotonic() + limit
    value, same = read(), 0
    while same < rounds:
        assert time.monotonic() < deadline, f"still changing after {limit} s: {value}"
        time.sleep(pause)
        now = read()
        same = same + 1 if now == value else 0
        value = now
    return value
