"""A small caching proxy in the daemon's place: right, or wrong in one way that the tests here must notice."""

import http.client
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "host", "content-length", "cookie", "expect"}
IDENTITY = (
    "x-redmine-api-key",
    "authorization",
    "x-redmine-switch-user",
    "accept-language",
    "x-redmine-nometa",
    "accept",
    "if-none-match",
)

# What it can do wrong, and must be noticed by.
IN_TRANSCRIPT = (
    "drops a header",
    "adds a header",
    "changes the reason",
    "prints JSON again",
    "names Redmine's address",
    "decodes the path",
    "cuts the last byte off",
    "answers 200 for 404",
    "forgets a query's end",
    "writes twice",  # the last one: it leaves something behind
)
TO_OTHERS = ("shares between all", "forgets whom an admin is", "lets the header win")
STALE = ("forgets to forget", "forgets only the path written to")


class StandIn:
    def __init__(self, upstream, wrong=None):
        self.upstream = upstream
        self.wrong = wrong
        self.kept = {}
        self.generation = 0
        self.lock = threading.Lock()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self):
                self.close_connection = True
                self.raw_requestline = self.rfile.readline(65537)
                if self.raw_requestline and self.parse_request():
                    stand_in.serve(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.authority = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.authority}{urlsplit(upstream).path}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    # The request's way.

    def serve(self, handler):
        body = self.body_of(handler)
        kept = handler.command == "GET" and not handler.headers.get("Cookie")
        key = self.key(handler)
        generation = self.generation
        answer = self.kept.get(key) if kept else None
        if answer is None:
            answer = self.ask(handler, body)
            if handler.command in ("GET", "HEAD", "OPTIONS"):
                with self.lock:
                    if kept and generation == self.generation:
                        self.kept[key] = answer
            else:
                if self.wrong == "writes twice":
                    answer = self.ask(handler, body)
                self.forget(handler)
        self.deliver(handler, *answer)

    @staticmethod
    def body_of(handler):
        if "chunked" in handler.headers.get("Transfer-Encoding", ""):
            parts = []
            while size := int(handler.rfile.readline(), 16):
                parts.append(handler.rfile.read(size))
                handler.rfile.readline()
            handler.rfile.readline()
            return b"".join(parts)
        length = handler.headers.get("Content-Length")
        return handler.rfile.read(int(length)) if length else None

    def key(self, handler):
        identity = {name: handler.headers.get_all(name) for name in IDENTITY}
        target = handler.path
        if self.wrong == "shares between all":
            identity = {"accept": identity["accept"]}
            target = re.sub(r"key=\w*", "", target)
        if self.wrong == "forgets whom an admin is":
            del identity["x-redmine-switch-user"]
        if self.wrong == "lets the header win" and identity["x-redmine-api-key"]:
            target = re.sub(r"[?&]key=\w*", "", target)
        return target, str(identity)

    def forget(self, handler):
        with self.lock:
            self.generation += 1
            if self.wrong == "forgets only the path written to":
                path = re.sub(r"\.\w+$", "", handler.path)
                self.kept = {key: answer for key, answer in self.kept.items() if not key[0].startswith(path)}
            elif self.wrong != "forgets to forget":
                self.kept = {}

    def ask(self, handler, body):
        parts = urlsplit(self.upstream)
        target = handler.path
        if self.wrong == "decodes the path":
            target = unquote(target).replace(" ", "%20").encode().decode("latin-1")
        if self.wrong == "forgets a query's end":
            target = re.sub(r"(\?[^&]*)&.*", r"\1", target)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        connection._encode_request = lambda request: request.encode("latin-1")
        connection.putrequest(handler.command, target, skip_accept_encoding=True)
        for name, value in handler.headers.items():
            if name.lower() not in HOP_BY_HOP or (name.lower() == "cookie" and ".json" not in target):
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        answer = response.status, response.reason, response.getheaders(), response.read()
        connection.close()
        return answer

    def deliver(self, handler, status, reason, headers, body):
        api = re.search(r"\.(json|xml)(\?|$)", handler.path)
        own = urlsplit(self.upstream).netloc
        if self.wrong != "names Redmine's address":
            headers = [
                (name, value.replace(own, self.authority) if name.lower() == "location" else value) for name, value in headers
            ]
            if dict(headers).get("Content-Type", "").split(";")[0] in (
                "application/json",
                "application/xml",
                "application/atom+xml",
                "application/javascript",
            ):
                body = body.replace(own.encode(), self.authority.encode())
        if self.wrong == "drops a header":
            headers = [header for header in headers if header[0] != "X-Frame-Options"]
        if self.wrong == "adds a header":
            headers = [*headers, ("X-Powered-By", "a stand-in")]
        if self.wrong == "changes the reason" and status == 404:
            reason = "not found"
        if self.wrong == "prints JSON again" and body.startswith(b"{"):
            body = json.dumps(json.loads(body)).encode()
        if self.wrong == "cuts the last byte off":
            body = body[:-1]
        if self.wrong == "answers 200 for 404" and status == 404:
            status, reason = 200, "OK"
        handler.wfile.write(f"HTTP/1.1 {status} {reason}\r\n".encode())
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP and not (api and name.lower() == "set-cookie"):
                handler.wfile.write(f"{name}: {value}\r\n".encode("latin-1"))
        if status not in (204, 304):
            handler.wfile.write(f"Content-Length: {len(body)}\r\n".encode())
        handler.wfile.write(b"Connection: close\r\n\r\n" + (b"" if handler.command == "HEAD" else body))
