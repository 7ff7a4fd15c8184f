"""A Redmine behind a front end that speaks HTTP/2 (and nothing else), for the engine that asks for it."""

import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.events

from wire import LIMIT, free_port


class Http2Redmine:
    """Answers every request with its own path as JSON, or with what `bodies` has for it; `hold` requests at a time."""

    def __init__(self, context):
        context.set_alpn_protocols(["h2"])
        self.context = context
        self.port = free_port()
        self.base = f"https://127.0.0.1:{self.port}"
        self.requests = []  # (connection, headers, bytes of the body)
        self.bodies = {}
        self.hold = 1
        self.connections = 0
        self.sockets = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def stop(self):
        self.listener.close()
        for sock in self.sockets:
            sock.close()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.converse, args=(sock,), daemon=True).start()

    def converse(self, sock):
        try:
            sock.settimeout(4 * LIMIT)
            sock = self.context.wrap_socket(sock, server_side=True)
            self.sockets.append(sock)
            if sock.selected_alpn_protocol() != "h2":
                return
            with self.lock:
                self.connections += 1
                number = self.connections
            Conversation(self, sock, number).run()
        except (OSError, ssl.SSLError):
            pass
        finally:
            sock.close()


class Conversation:
    """One connection and its streams."""

    def __init__(self, redmine, sock, number):
        self.redmine, self.sock, self.number = redmine, sock, number
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.asked = {}  # stream: headers, received bytes
        self.waiting = []  # streams whose requests are whole
        self.unsent = {}  # stream: rest of its body

    def run(self):
        self.h2.initiate_connection()
        while True:
            self.sock.sendall(self.h2.data_to_send())
            data = self.sock.recv(65536)
            if not data:
                return
            for event in self.h2.receive_data(data):
                self.take(event)
            if len(self.waiting) >= self.redmine.hold:
                for stream in self.waiting:
                    self.answer(stream)
                self.waiting.clear()
            self.send_more()

    def take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.asked[event.stream_id] = [dict(event.headers), 0]
        elif isinstance(event, h2.events.DataReceived):
            self.asked[event.stream_id][1] += len(event.data)
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            headers, size = self.asked.pop(event.stream_id)
            with self.redmine.lock:
                self.redmine.requests.append((self.number, headers, size))
            self.waiting.append((event.stream_id, headers[":path"]))
        elif isinstance(event, h2.events.StreamReset):
            self.unsent.pop(event.stream_id, None)

    def answer(self, asked):
        stream, path = asked
        body = self.redmine.bodies.get(path, b'{"path":"%s"}' % path.encode())
        fields = [(":status", "200"), ("content-type", "application/json; charset=utf-8")]
        self.h2.send_headers(stream, [*fields, ("content-length", str(len(body)))])
        self.unsent[stream] = body

    def send_more(self):
        for stream, body in list(self.unsent.items()):
            while body:
                size = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(body))
                if size == 0:
                    break
                self.h2.send_data(stream, body[:size])
                body = body[size:]
            if body:
                self.unsent[stream] = body
            else:
                self.h2.end_stream(stream)
                del self.unsent[stream]
