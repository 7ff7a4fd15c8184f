"""The rows as Markdown: medians over the rounds, ratios within each round, and the bars with what was measured."""

import statistics

DAEMON = "redmine-cached"
QUIET = 0.1  # of the server's core may go to others


def median(values):
    """The median, or None of nothing."""
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def number(value, digits=2):
    """A number for a table; an en dash for none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def table(head, rows):
    """A Markdown table; every column but the first to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def ordered(values):
    """Each value once, in order of appearance."""
    return list(dict.fromkeys(values))


class Results:
    """All rows of a run, by kind."""

    def __init__(self, kinds):
        self.kinds = kinds

    def rows(self, kind, **same):
        """The rows of a kind whose fields are these."""
        return [r for r in self.kinds.get(kind, []) if all(r.get(k) == v for k, v in same.items())]

    def median(self, kind, field, **same):
        """The median of a field over the rounds."""
        return median(r[field] for r in self.rows(kind, **same))

    def ratio(self, kind, field, server, to, **same):
        """The median over the rounds of a server's figure to another's in the same round."""
        found = []
        for row in self.rows(kind, server=server, **same):
            other = self.rows(kind, server=to, round=row["round"], **same)
            if other and other[0][field]:
                found.append(row[field] / other[0][field])
        return median(found)

    def servers(self, kind, **same):
        """Who was measured."""
        return ordered(r["server"] for r in self.rows(kind, **same))

    def quiet(self):
        """Whether the servers had their core to themselves, by and large."""
        others = median(r.get("others") for rows in self.kinds.values() for r in rows)
        return others is None or others < QUIET

    # ---- one table a kind ----

    def hits(self):
        """Cache hits."""
        parts = []
        for scenario in ordered(r["scenario"] for r in self.rows("hits")):
            lines = []
            for server in self.servers("hits", scenario=scenario):
                same = {"server": server, "scenario": scenario}
                rows = self.rows("hits", **same)
                lines.append([
                    server,
                    number(median(r["requests"] / r["seconds"] for r in rows), 0),
                    number(self.median("hits", "p50_us", **same) / 1000),
                    number(self.median("hits", "p99_us", **same) / 1000),
                    number(self.median("hits", "cpu_100k", **same)),
                    number(self.ratio("hits", "cpu_100k", server, "bare", scenario=scenario)),
                    number(self.ratio("hits", "cpu_100k", server, "nginx", scenario=scenario)),
                    number(median(1000 * r["switches"] / r["requests"] for r in rows), 1),
                    sum(r["upstream"] for r in rows) if server != "bare" else "–",
                    sum(r["errors"] for r in rows),
                    number(max(r["others"] for r in rows) * 100, 0) + "%",
                ])
            parts.append(f"### Hits: {scenario}\n\n" + table(
                ["server", "req/s", "p50 ms", "p99 ms", "CPU s/100k", "× bare", "× nginx", "switches/1k", "upstream",
                 "errors", "core taken by others"], lines))
        return parts

    def misses(self):
        """Every URL new."""
        lines = []
        for server in self.servers("misses"):
            many, one = {"server": server, "connections": 64}, {"server": server, "connections": 1}
            rows = self.rows("misses", **many)
            if not rows:
                continue
            added = self.added(server)
            lines.append([
                server,
                number(median(r["requests"] / r["seconds"] for r in rows), 0),
                number(self.median("misses", "p50_us", **many) / 1000),
                number(self.median("misses", "p99_us", **many) / 1000),
                number(self.median("misses", "cpu_100k", **many)),
                number(self.ratio("misses", "cpu_100k", server, "nginx", connections=64)),
                number(median(1000 * r["switches"] / r["requests"] for r in rows), 0),
                number(self.median("misses", "p50_us", **one), 0),
                number(added, 0),
                sum(r["errors"] for r in rows + self.rows("misses", **one)),
                number(max(r["others"] for r in rows) * 100, 0) + "%",
            ])
        return ["### Misses: every URL new, 0 ms upstream\n\n" + table(
            ["server", "req/s at 64", "p50 ms", "p99 ms", "CPU s/100k", "× nginx", "switches/1k", "one at a time p50 µs",
             "added µs", "errors", "core taken by others"], lines)] if lines else []

    def added(self, server):
        """Microseconds that a server adds to a single request: the median over the rounds."""
        found = []
        for row in self.rows("misses", server=server, connections=1):
            straight = self.rows("misses", server="origin, asked directly", round=row["round"], connections=1)
            if straight:
                found.append(row["p50_us"] - straight[0]["p50_us"])
        return median(found)

    def herd(self):
        """500 at once."""
        lines = []
        for server in self.servers("herd"):
            rows = self.rows("herd", server=server)
            lines.append([server, max(r["upstream"] for r in rows), number(1000 * median(r["first"] for r in rows), 0),
                          number(1000 * median(r["last"] for r in rows), 0),
                          number(median(1000 * r["last"] / r["latency"] for r in rows)),
                          min(r["ok"] for r in rows), max(r["different"] for r in rows)])
        return ["### Herd: 500 clients on one cold URL, 200 ms upstream\n\n" + table(
            ["server", "upstream requests (most)", "first answer ms", "last byte ms", "× latency", "200s (fewest of 500)",
             "differing bodies"], lines)] if lines else []

    def _against_ideal(self, kind, title, extra):
        lines = []
        for server in self.servers(kind):
            for latency in ordered(r["latency"] for r in self.rows(kind, server=server)):
                for workers in ordered(r["workers"] for r in self.rows(kind, server=server, latency=latency)):
                    rows = self.rows(kind, server=server, latency=latency, workers=workers)
                    lines.append([server, latency, workers, number(rows[0]["ideal"]),
                                  number(median(r["last"] for r in rows)),
                                  number(median(r["last"] / r["ideal"] for r in rows)),
                                  *[pick(rows) for _, pick in extra]])
        return [f"### {title}\n\n" + table(
            ["client or engine", "latency ms", "W", "ideal s", "measured s", "× ideal", *[name for name, _ in extra]],
            lines)] if lines else []

    def fanout(self):
        """100 pages through W workers."""
        return self._against_ideal("fanout", "Fan-out: 100 pages asked for at once, ideal = ceil(100 / W) · L", [
            ("at once upstream (most)", lambda rows: max(r["width"] for r in rows)),
            ("200s (fewest of 100)", lambda rows: min(r["ok"] for r in rows)),
        ])

    def join(self):
        """limit=all."""
        return self._against_ideal("join", "Join: `limit=all` of 10,000 issues, ideal = (1 + ceil(99 / W)) · L", [
            ("upstream", lambda rows: max(r["upstream"] for r in rows)),
            ("memory MB", lambda rows: number(max(r["memory"] for r in rows) / 1e6, 0)),
        ])

    def walk(self):
        """Page after page."""
        return self._against_ideal("walk", "Walk: 100 pages one after the other, against straight from Redmine", [
            ("upstream", lambda rows: max(r["upstream"] for r in rows)),
            ("200s (fewest of 100)", lambda rows: min(r["rows"] for r in rows)),
        ])

    def splice(self):
        """Finding and joining rows."""
        kinds = ordered(r["scenario"] for r in self.kinds.get("splice", []))
        lines = [(kind, number(median(r["speed"] for r in self.rows("splice", scenario=kind)), 0)) for kind in kinds]
        return ["### Splice: joining pages, MB/s of CPU time\n\n" + table(["pages", "MB/s"], lines)] if lines else []

    def real(self):
        """All issues of the real Redmine."""
        lines = []
        straight = self.median("real", "last", server="python3-redminelib, straight")
        for server in self.servers("real"):
            seconds = self.median("real", "last", server=server)
            rows = min(r["rows"] for r in self.rows("real", server=server))
            lines.append([server, rows, number(seconds), number(straight / seconds, 1) if straight else "–"])
        return ["### Real: all issues of Debian's Redmine\n\n" + table(
            ["client", "issues", "seconds", "× faster than straight"], lines)] if lines else []

    # ---- the bars ----

    def bars(self):
        """(what, at most, measured or None, unit, whether it is a time), for what this run measured or could have."""
        found = []

        def hit(what, scenario, to, most):
            found.append((f"{what}: CPU per request against {to}", most,
                          self.ratio("hits", "cpu_100k", DAEMON, to, scenario=scenario), "×", False))

        hit("2 KB hits at 64 connections", "2 KB, 64 connections", "bare", 1.3)
        hit("2 KB hits at 64 connections", "2 KB, 64 connections", "nginx", 0.7)
        hit("2 KB hits at 64 connections", "2 KB, 64 connections", "nginx, open_file_cache", 0.7)
        hit("80 KB hits at 64 connections", "80 KB, 64 connections", "bare", 1.15)
        for engine, added in (("thread", 200), ("process", 200), ("async", 150)):
            name = f"{DAEMON}, {engine}"
            found.append((f"misses, {engine}: CPU per request against nginx", 1.0,
                          self.ratio("misses", "cpu_100k", name, "nginx", connections=64), "×", False))
            found.append((f"misses, {engine}: added to the p50 of one request", added, self.added(name), "µs", True))
            herd = self.rows("herd", server=name)
            found.append((f"herd, {engine}: upstream requests", 1, max((r["upstream"] for r in herd), default=None), "",
                          False))
            found.append((f"herd, {engine}: last byte against the latency", 1.2,
                          median(r["last"] * 1000 / r["latency"] for r in herd), "×", True))
            for workers in (4, 16, 32):
                rows = self.rows("fanout", server=name, latency=200, workers=workers)
                found.append((f"fan-out, {engine}: 100 pages at 200 ms with {workers} workers against the ideal", 1.05,
                              median(r["last"] / r["ideal"] for r in rows), "×", True))
            found.append((f"join, {engine}: `limit=all` at 200 ms against the ideal", 1.05,
                          median(r["last"] / r["ideal"] for r in self.rows("join", server=name)), "×", True))
            found.append((f"join, {engine}: the same with the length known", 1,
                          median(r["last"] / r["ideal"] for r in self.rows("join", server=name + ", length known")),
                          "×", True))
            found.append((f"walk, {engine}: page after page at 200 ms against straight", 1 / 6,
                          median(r["last"] / r["ideal"] for r in self.rows("walk", server=name)), "×", True))
        slowest = min((r["speed"] for r in self.rows("splice")), default=None)
        found.append(("splice: time for a MB of the slowest pages", 1, 1000 / slowest if slowest else None, "ms", False))
        return found

    def bars_table(self):
        """What the project asks of itself, and how this run stands to it."""
        lines, quiet = [], self.quiet()
        for what, most, value, unit, is_time in self.bars():
            if value is None:
                continue
            met = "yes" if value <= most else "open: not quiet" if is_time and not quiet else "**no**"
            lines.append([what, f"{most:g} {unit}".strip(), f"{number(value)} {unit}".strip(), met])
        return ["### Bars\n\n" + table(["what", "at most", "measured", "met"], lines)] if lines else []

    def markdown(self, about, remarks):
        """The whole report."""
        parts = ["## Benchmark of redmine-cached\n\n" + about]
        for make in (self.hits, self.misses, self.herd, self.fanout, self.join, self.walk, self.splice, self.real, self.bars_table):
            parts += make()
        if remarks:
            parts.append("### Remarks\n\n" + "\n".join(f"- {r}" for r in ordered(remarks)))
        return "\n\n".join(parts) + "\n"
