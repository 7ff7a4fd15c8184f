"""What is measured. Each returns plain rows; report.py makes sense of them."""

import dataclasses
import http.client
import itertools
import json
import math
import subprocess
import time

from harness import machine
from harness.process import Failed, get
from harness.servers import KEY, KEY_HEADER, Straight

PAGES = 100
HERD = 500


@dataclasses.dataclass(frozen=True)
class Hits:
    """A steady load that the cache answers."""

    name: str
    answer: str  # small, large or 304
    path: str
    connections: int
    urls: int = 0  # 0: one URL


HITS = [
    Hits("2 KB, 16 connections", "small", "/issues/1.json", 16),
    Hits("2 KB, 64 connections", "small", "/issues/1.json", 64),
    Hits("2 KB, 1000 connections", "small", "/issues/1.json", 1000),
    Hits("2 KB over 1,000 URLs, 64 connections", "small", "/issues/#.json", 64, 1000),
    Hits("80 KB, 64 connections", "large", "/issues.json?limit=100", 64),
    Hits("304, 64 connections", "304", "/issues/1.json", 64),
]

# What is sent to a server that answers every request alike; as long as the tags of the others.
ANY_TAG = {"If-None-Match": 'W/"35b4d5f0a8e1c2937b6e4f1a0d9c8b7e"'}

_numbers = itertools.count(1000000, 4000000)


def fresh_number():
    """The first of four million issue numbers that nobody has asked for in this run."""
    return next(_numbers)


def measured(bench, server, process, load):
    """Run a load against a server; its row, with the CPU and the context switches that it took."""
    process.settle(2.0)
    bench.patience.wait()
    core = bench.place.server_core
    cpu, switches = process.usage()
    all_busy, begun = machine.busy(core), time.monotonic()
    row = load()
    process.settle()
    cpu_after, switches_after = process.usage()
    elapsed = time.monotonic() - begun
    others = machine.busy(core) - all_busy - (cpu_after - cpu)
    row.update(server=server.name, cpu=cpu_after - cpu, switches=switches_after - switches,
               others=max(0.0, others / elapsed), memory=process.memory())
    process.cut_log()
    if not row["requests"]:
        raise Failed(f"{server.name} answered nothing")
    row["cpu_100k"] = 1e5 * row["cpu"] / row["requests"]
    return row


def timed(bench, server, load):
    """Run a load whose time counts; its row, with what others took of the server's core meanwhile."""
    bench.patience.wait()
    core = bench.place.server_core
    cpu, all_busy, begun = server.process.usage()[0], machine.busy(core), time.monotonic()
    row = load()
    elapsed = time.monotonic() - begun
    others = machine.busy(core) - all_busy - (server.process.usage()[0] - cpu)
    row.update(server=server.name, others=max(0.0, others / elapsed))
    return row


def warm(server, scenario):
    """
    Bring the answers into the cache and see that they are right. Returns the headers that the load adds to its
    requests.
    """
    headers = dict(KEY_HEADER)
    numbers = range(scenario.urls) if scenario.urls else [0]
    for number in numbers:
        path = scenario.path.replace("#", str(number))
        status, fields, body = get(server.port, path, headers)
        if status != 200 or int(fields.get("content-length", -1)) != len(body):
            raise Failed(f"{server.name}: {path} is a {status} of {len(body)} bytes")
    if scenario.answer != "304":
        return {}
    headers["If-None-Match"] = fields.get("etag", "")
    status, _, body = get(server.port, scenario.path, headers)
    if status != 304 or body:
        raise Failed(f"{server.name}: If-None-Match of its own ETag is a {status}")
    return {"If-None-Match": headers["If-None-Match"]}


def ask(bench, port, scenario, headers):
    """The load of a scenario, once."""
    if scenario.answer == "304":
        return bench.load.revalidate(port, scenario.path, scenario.connections, bench.seconds, headers)
    return bench.load.steady(port, scenario.path, scenario.connections, bench.seconds, None,
                             0 if scenario.urls else None, scenario.urls)


def hits(bench, servers):
    """Requests that a cache answers by itself."""
    bench.origin.reset(0)
    for number in range(bench.rounds):
        for scenario in HITS:
            for server in servers:
                try:
                    headers = warm(server, scenario) if server.caches else ANY_TAG
                    bench.origin.reset(0)
                    row = measured(bench, server, server.measured(scenario), lambda: ask(
                        bench, server.port_for(scenario), scenario, headers))
                except Failed as failed:
                    bench.remark(f"{scenario.name}: {failed}")
                    continue
                row.update(scenario=scenario.name, round=number, upstream=bench.origin.counters()["requests"])
                bench.add("hits", row)


def misses(bench, servers):
    """
    Every URL new: at a load of 64 connections, and one request at a time. For the latter the fake Redmine shares the
    server's core, so that asking it directly crosses from core to core as often as asking a server does.
    """
    place = bench.place
    for number in range(bench.rounds):
        for connections, core in ((64, place.load_core), (1, place.server_core)):
            bench.origin.move(core)
            for server in [Straight(bench.origin), *servers]:
                bench.origin.reset(0)
                try:
                    row = measured(bench, server, server.process, lambda: bench.load.steady(
                        server.port, "/issues/#.json", connections, bench.seconds, first=fresh_number()))
                except Failed as failed:
                    bench.remark(f"misses, {connections} connections: {failed}")
                    continue
                row.update(connections=connections, round=number, upstream=bench.origin.counters()["requests"])
                bench.add("misses", row)
    bench.origin.move(place.load_core)


def herd(bench, servers, latency=200):
    """500 clients ask for one cold URL at the same moment."""
    for number in range(bench.rounds):
        for server in servers:
            bench.origin.reset(latency)
            try:
                row = timed(bench, server, lambda: bench.load.burst(
                    server.port, f"/issues/{fresh_number()}.json", HERD, 20))
            except Failed as failed:
                bench.remark(f"herd: {failed}")
                continue
            row.update(round=number, latency=latency, upstream=bench.origin.counters()["requests"])
            bench.add("herd", row)
    bench.origin.reset(0)


def _pages_cold(bench, server, latency, tracker):
    """All pages at once through a cold cache. A filter that the fake Redmine ignores makes them new."""
    bench.origin.reset(latency)
    row = timed(bench, server, lambda: bench.load.burst(
        server.port, f"/issues.json?limit=100&tracker_id={tracker}&offset=#", PAGES, 60, 0, 100))
    counters = bench.origin.counters()
    return dict(row, upstream=counters["requests"], width=counters["in_flight_most"])


def _pages_by_curl(bench, workers, latency):
    """The same pages by curl --parallel, straight from the origin."""
    bench.origin.reset(latency)
    command = [machine.find("curl"), "-s", "-S", "--no-progress-meter", "--parallel", "--parallel-max", str(workers),
               "-H", f"X-Redmine-API-Key: {KEY}", "-o", "/dev/null",
               f"http://127.0.0.1:{bench.origin.port}/issues.json?limit=100&offset=[0-9900:100]"]
    begun = time.monotonic()
    done = subprocess.run(command, timeout=60, check=False, capture_output=True, stdin=subprocess.DEVNULL)
    counters = bench.origin.counters()
    return {"last": time.monotonic() - begun, "ok": PAGES if done.returncode == 0 else 0, "sent": PAGES,
            "upstream": counters["requests"], "width": counters["in_flight_most"]}


KNOWN = ", length known"
REDMINELIB = """
import sys, time
from redminelib import Redmine
redmine = Redmine(sys.argv[1], key=sys.argv[2])
begun = time.monotonic()
rows = len(list(redmine.issue.all()))
print(rows, time.monotonic() - begun)
"""


def _pages_by_redminelib(bench, latency):
    """The same pages by an unmodified python3-redminelib, straight from the origin, one after another."""
    bench.origin.reset(latency)
    done = subprocess.run(["/usr/bin/python3", "-c", REDMINELIB, f"http://127.0.0.1:{bench.origin.port}", KEY],
                          timeout=120, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        return None
    rows, seconds = done.stdout.split()
    return {"last": float(seconds), "ok": int(rows) // 100, "sent": PAGES, "width": 1,
            "upstream": bench.origin.counters()["requests"]}


def fanout(bench, engines, latencies=(20, 200), widths=(4, 16, 32)):
    """100 pages through W workers, against ceil(100 / W) times the latency."""

    def add(name, latency, width, row):
        row.update(server=name, latency=latency, workers=width, ideal=math.ceil(PAGES / width) * latency / 1000)
        bench.add("fanout", row)

    trackers = itertools.count(1)
    for latency in latencies:
        row = None if bench.quick and latency > 20 else _pages_by_redminelib(bench, latency)
        if row:
            add("python3-redminelib, straight", latency, 1, row)
        for width in widths:
            for _ in range(bench.rounds):
                if machine.find("curl"):
                    add("curl --parallel, straight", latency, width, _pages_by_curl(bench, width, latency))
    for engine, width in itertools.product(engines, widths):
        with bench.daemon(engine=engine, workers=width) as server:
            for latency, _ in itertools.product(latencies, range(bench.rounds)):
                if server:
                    add(server.name, latency, width, _pages_cold(bench, server, latency, next(trackers)))
    bench.origin.reset(0)


def join(bench, engines, latency=200, workers=16):
    """
    `limit=all`: 10,000 issues in one request, against one page and then the rest through the workers; each list a second
    time, asked anew, when its length is known.
    """
    for engine in engines:
        with bench.daemon(engine=engine, workers=workers) as server:
            for number in range(bench.rounds * 2):
                if not server:
                    break
                known = number % 2
                bench.origin.reset(latency)
                begun = time.monotonic()
                status, _, body = get(server.port, f"/issues.json?limit=all&tracker_id={number // 2 + 1}",
                                      {**KEY_HEADER, "Redmine-Cached-Workers": str(workers),
                                       **({"Cache-Control": "no-cache"} if known else {})}, 60)
                seconds = time.monotonic() - begun
                ids = {issue["id"] for issue in json.loads(body).get("issues", [])} if status == 200 else set()
                if len(ids) < PAGES * 100:
                    bench.remark(f"join, {engine}: limit=all gave {len(ids)} rows of {PAGES * 100} (status {status})")
                    break
                ideal = (1 + math.ceil((PAGES - 1) / workers)) * latency / 1000
                bench.add("join", {"server": server.name + (KNOWN if known else ""), "latency": latency, "workers": workers, "last": seconds,
                                   "ideal": ideal, "rows": len(ids), "upstream": bench.origin.counters()["requests"],
                                   "memory": server.process.memory()})
    bench.origin.reset(0)


def _walk_once(bench, port, query, latency):
    """Read a list page after page on one connection, as an unmodified client does: seconds."""
    bench.origin.reset(latency)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    begun, rows = time.monotonic(), 0
    for number in range(PAGES):
        connection.request("GET", f"/issues.json?limit=100&offset={number * 100}&{query}", headers=KEY_HEADER)
        answer = connection.getresponse()
        body = answer.read()
        rows += answer.status == 200 and len(body) > 1000
    seconds = time.monotonic() - begun
    connection.close()
    return seconds, rows


def walk(bench, engines, latency=200, workers=16):
    """Read-ahead: 100 pages one after the other, cold, against the same straight from the fake Redmine."""
    straight, _ = _walk_once(bench, bench.origin.port, "tracker_id=0", latency)
    bench.add("walk", {"server": "straight", "latency": latency, "workers": 1, "last": straight, "ideal": straight,
                       "upstream": PAGES, "rows": PAGES})
    for engine in engines:
        with bench.daemon(engine=engine, workers=workers) as server:
            for number in range(bench.rounds if server else 0):
                seconds, rows = _walk_once(bench, server.port, f"tracker_id={number + 1}", latency)
                bench.add("walk", {"server": server.name, "latency": latency, "workers": workers, "last": seconds,
                                   "ideal": straight, "upstream": bench.origin.counters()["requests"], "rows": rows})
    bench.origin.reset(0)


def splice(bench):
    """MB/s of CPU time in which the rows of pages are found and put together."""
    for _ in range(bench.rounds):
        done = subprocess.run([bench.place.file("splice")], capture_output=True, text=True, timeout=60, check=True)
        for kind, speed in json.loads(done.stdout).items():
            bench.add("splice", {"server": "splice", "scenario": kind, "speed": speed, "last": speed})
