"""The load: wrk for a steady one, burst for many requests at one moment."""

import json
import os
import re
import subprocess

from harness import machine
from harness.process import Failed
from harness.servers import KEY_HEADER

# wrk's summary as one line. Without a request() of its own wrk sends one prepared text, which costs it least.
SCRIPT = """
local first, count, step, before, after = nil, 0, 1, "", ""
function init(args)
  first, count = tonumber(args[1]), tonumber(args[2])
  before = "GET " .. args[3]
  after = args[4] .. " HTTP/1.1\\r\\nHost: " .. wrk.host .. ":" .. wrk.port .. "\\r\\n"
  for name, value in pairs(wrk.headers) do
    if name ~= "Host" then after = after .. name .. ": " .. value .. "\\r\\n" end
  end
  after = after .. "\\r\\n"
end
%s
function done(summary, latency, requests)
  local e = summary.errors
  print(string.format("BENCH %%d %%d %%.1f %%.1f %%d", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
"""
MANY = """
local n = -1
function request()
  n = n + 1
  return before .. (first + (count > 0 and n % count or n)) .. after
end
"""


class Load:
    """What sends requests, on the load's core."""

    def __init__(self, place):
        self.place = place
        for name, request in (("one.lua", ""), ("many.lua", MANY)):
            with open(place.file(name), "w", encoding="ascii") as f:
                f.write(SCRIPT % request)

    def _run(self, arguments, limit):
        try:
            done = subprocess.run(arguments, capture_output=True, text=True, timeout=limit, check=False,
                                  stdin=subprocess.DEVNULL,
                                  preexec_fn=lambda: os.sched_setaffinity(0, {self.place.load_core}))
        except subprocess.TimeoutExpired as late:
            raise Failed(f"{arguments[0]} was not done in {limit} s") from late
        if done.returncode:
            raise Failed(f"{arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def steady(self, port, path, connections, seconds, headers=None, first=None, count=0):
        """
        Requests one after another on each connection for some seconds. A '#' in the path becomes first, first + 1, …;
        after count of them first again. Returns requests, seconds, p50 and p99 in microseconds, errors.
        """
        before, _, after = path.partition("#")
        command = [machine.find("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s",
                   self.place.file("one.lua" if first is None else "many.lua")]
        for name, value in {**KEY_HEADER, **(headers or {})}.items():
            command += ["-H", f"{name}: {value}"]
        command.append(f"http://127.0.0.1:{port}{path.replace('#', '')}")
        command += ["--", str(first or 0), str(count), before, after]
        return self._summary(command, seconds)

    def revalidate(self, port, path, connections, seconds, headers):
        """The same of requests that are answered by 304."""
        command = [self.place.file("revalidate"), "--port", str(port), "--connections", str(connections), "--seconds",
                   str(seconds)]
        for name, value in {**KEY_HEADER, **headers}.items():
            command += ["--header", f"{name}: {value}"]
        return self._summary([*command, path], seconds)

    def _summary(self, command, seconds):
        found = re.search(r"^BENCH (\d+) (\d+) ([\d.]+) ([\d.]+) (\d+)$", self._run(command, seconds + 30), re.M)
        if not found:
            raise Failed(f"{command[0]} printed no summary")
        return {"requests": int(found[1]), "seconds": int(found[2]) / 1e6, "p50_us": float(found[3]),
                "p99_us": float(found[4]), "errors": int(found[5])}

    def burst(self, port, path, count, limit, first=0, step=1):
        """Many requests at once, a connection each; burst.c says what comes back."""
        command = [self.place.file("burst"), "--port", str(port), "--count", str(count), "--first", str(first),
                   "--step", str(step), "--limit", str(limit)]
        for name, value in KEY_HEADER.items():
            command += ["--header", f"{name}: {value}"]
        return json.loads(self._run([*command, path], limit + 30))
