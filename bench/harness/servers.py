"""The servers that are compared, each with the settings that a skilled administrator would give it."""

import json
import os

from harness import machine
from harness.process import Process, free_port, get

KEY = "0123456789abcdef0123456789abcdef01234567"
KEY_HEADER = {"X-Redmine-API-Key": KEY}


class Place:
    """Where a run keeps its files, and which cores it uses."""

    def __init__(self, folder, load_core, server_core):
        self.folder, self.load_core, self.server_core = folder, load_core, server_core
        self.runs = 0

    def file(self, name):
        """A path in the run's own folder."""
        return os.path.join(self.folder, name)

    def fresh(self, name):
        """A new empty folder for one start of a server."""
        self.runs += 1
        path = self.file(f"{name}-{self.runs}")
        os.mkdir(path)
        return path


class Origin:
    """The fake Redmine, on the load's core: what it costs is no server's."""

    def __init__(self, place):
        self.port = free_port()
        self.process = Process("origin", [place.file("origin"), "--port", str(self.port)], place.load_core,
                               place.file("origin.log"))
        self.process.wait_ready(self.port, "/bench/origin")

    def reset(self, latency):
        """Clear its counters and set its latency in milliseconds."""
        get(self.port, f"/bench/origin?latency={latency}&reset=1")

    def counters(self):
        """What it was asked since the last reset."""
        return json.loads(get(self.port, "/bench/origin")[2])

    def move(self, core):
        """Run it on another core from now on."""
        os.sched_setaffinity(self.process.popen.pid, {core})

    def stop(self):
        """End it."""
        self.process.stop()


class Server:
    """One server in front of the origin (or bare, that needs none). Started by its subclass."""

    name = ""
    caches = True
    process = None
    port = 0

    def port_for(self, _scenario):
        """The port that answers this scenario."""
        return self.port

    def measured(self, _scenario):
        """The process that answers this scenario."""
        return self.process

    def stop(self):
        """End it."""
        self.process.stop()


class Bare(Server):
    """libmicrohttpd and one prepared response: one program for each kind of answer."""

    name = "bare"
    caches = False

    def __init__(self, place, small, large):
        self.ports, self.processes = {}, {}
        for kind, options in (("small", ["--size", str(small)]), ("large", ["--size", str(large)]),
                              ("304", ["--not-modified"])):
            port = free_port()
            process = Process(f"bare {kind}", [place.file("bare"), "--port", str(port), *options], place.server_core,
                              place.file("bare.log"))
            self.ports[kind], self.processes[kind] = port, process
        for kind in ("small", "large"):
            self.processes[kind].wait_ready(self.ports[kind], "/")

    def port_for(self, scenario):
        return self.ports[scenario.answer]

    def measured(self, scenario):
        return self.processes[scenario.answer]

    def stop(self):
        for process in self.processes.values():
            process.stop()


class Straight(Server):
    """No server: the origin itself, for what a proxy adds."""

    name = "origin, asked directly"
    caches = False

    def __init__(self, origin):
        self.port, self.process = origin.port, origin.process

    def stop(self):
        pass


NGINX = """
{user}
daemon off;
pid {folder}/pid;
error_log {folder}/error.log error;
worker_processes 1;
worker_rlimit_nofile 16384;
events {{ use epoll; worker_connections 8192; multi_accept on; }}
http {{
    access_log off;
    sendfile on; tcp_nopush on; tcp_nodelay on;
    keepalive_timeout 300s; keepalive_requests 1000000000;
    {more}
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/temp; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache levels=1:2 keys_zone=redmine:256m use_temp_path=off inactive=1h max_size=4g;
    upstream redmine {{ server 127.0.0.1:{origin}; keepalive 256; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://redmine;
            proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $proxy_host;
            proxy_buffer_size 8k; proxy_buffers 16 16k; proxy_busy_buffers_size 32k;
            proxy_cache redmine; proxy_cache_lock on;
            proxy_cache_key "$request_uri $http_x_redmine_api_key";
            proxy_cache_valid 200 1h;
            proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;
            proxy_hide_header Set-Cookie;
        }}
    }}
}}
"""


class Nginx(Server):
    """proxy_cache on tmpfs, kept-alive upstream, no access log."""

    name = "nginx"
    more = ""

    def __init__(self, place, origin):
        folder, self.port = place.fresh("nginx"), free_port()
        with open(folder + "/nginx.conf", "w", encoding="ascii") as f:
            f.write(NGINX.format(folder=folder, origin=origin.port, port=self.port, more=self.more,
                                 user="user root;" if os.geteuid() == 0 else ""))
        self.process = Process(self.name, [machine.find("nginx"), "-p", folder, "-c", folder + "/nginx.conf"],
                               place.server_core, folder + "/log")
        self.process.wait_ready(self.port, "/users/current.json")


class NginxOpenFiles(Nginx):
    """The same with the files of the cache kept open, which saves it three system calls a hit."""

    name = "nginx, open_file_cache"
    more = "open_file_cache max=20000 inactive=600s; open_file_cache_valid 600s;"


VARNISH = """
vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{origin}"; }}
sub vcl_recv {{ return (hash); }}
sub vcl_hash {{ hash_data(req.url); hash_data(req.http.X-Redmine-API-Key); return (lookup); }}
sub vcl_backend_response {{
    unset beresp.http.Set-Cookie;
    if (beresp.status == 200) {{ set beresp.ttl = 1h; }}
    return (deliver);
}}
"""


class Varnish(Server):
    """Bodies in memory."""

    name = "varnish"

    def __init__(self, place, origin):
        folder, self.port = place.fresh("varnish"), free_port()
        with open(folder + "/bench.vcl", "w", encoding="ascii") as f:
            f.write(VARNISH.format(origin=origin.port))
        self.process = Process(self.name, [
            machine.find("varnishd"), "-F", "-j", "none", "-n", folder + "/work", "-f", folder + "/bench.vcl",
            "-a", f"127.0.0.1:{self.port}", "-s", "malloc,1g", "-T", "none", "-p", "thread_pool_min=200",
            "-p", "listen_depth=4096",
        ], place.server_core, folder + "/log")
        self.process.wait_ready(self.port, "/users/current.json", 60)


# HAProxy's key is host and path, so the API key becomes the host. Its own admission rules want a public max-age.
HAPROXY = """
global
    nbthread 1
    maxconn 8192
defaults
    mode http
    timeout connect 5s
    timeout client 300s
    timeout server 60s
    option http-keep-alive
    http-reuse always
cache redmine
    total-max-size 1024
    max-object-size 1000000
    max-age 3600
frontend in
    bind 127.0.0.1:{port} backlog 4096
    http-request set-header Host %[req.hdr(x-redmine-api-key)].key
    http-request cache-use redmine
    default_backend out
backend out
    http-response del-header Set-Cookie
    http-response set-header Cache-Control max-age=3600
    http-response cache-store redmine
    server origin 127.0.0.1:{origin} pool-max-conn 1024
"""


class Haproxy(Server):
    """Its small-object cache."""

    name = "haproxy"

    def __init__(self, place, origin):
        folder, self.port = place.fresh("haproxy"), free_port()
        with open(folder + "/haproxy.cfg", "w", encoding="ascii") as f:
            f.write(HAPROXY.format(origin=origin.port, port=self.port))
        self.process = Process(self.name, [machine.find("haproxy"), "-db", "-f", folder + "/haproxy.cfg"],
                               place.server_core, folder + "/log")
        self.process.wait_ready(self.port, "/users/current.json")


class Daemon(Server):
    """redmine-cached as it comes, on one core. Its log goes to a file."""

    def __init__(self, place, origin, binary, name, engine="thread", workers=16, options=()):
        self.name = name
        folder, self.port = place.fresh("redmine-cached"), free_port()
        settings = [
            f"upstream.url=http://127.0.0.1:{origin.port}", f"listen.address=127.0.0.1:{self.port}",
            "listen.threads=1", f"cache.path={folder}/cache.db", f"engine.default={engine}",
            f"engine.{engine}.workers={workers}", *options,
        ]
        arguments = [binary]
        for setting in settings:
            arguments += ["-o", setting]
        self.process = Process(name, arguments, place.server_core, folder + "/log")
        self.process.wait_ready(self.port, "/-/ready", 15)
