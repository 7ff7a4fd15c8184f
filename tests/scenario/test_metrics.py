"""/-/metrics, as Prometheus reads it: names, values, both formats, and a real Prometheus that scrapes it."""

import json
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from daemon import until
from redmine_model import ADMIN_KEY, MANAGER_KEY
from wire import PATIENCE, free_port

TOP = Path(__file__).resolve().parents[2]
SAMPLE = re.compile(r"(?P<name>[a-z_]+)(\{(?P<labels>.*)\})? (?P<value>\S+)")


def parsed(text):
    """{(name, frozenset of labels): value}; no sample may come twice."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        labels = frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', sample["labels"] or ""))
        key = (sample["name"], labels)
        assert key not in found, line
        found[key] = float(sample["value"])
    return found


def metrics(daemon):
    answer = daemon.get("/-/metrics")
    assert answer.status == 200 and answer.get("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    return parsed(answer.text)


def value(found, name, **labels):
    return found.get((f"redmine_cached_{name}", frozenset(labels.items())), 0)


def metrics_of(daemon, count):
    """As soon as so many requests are counted, which is when the last byte of each has left."""

    def counted():
        found = metrics(daemon)
        answered = [
            number
            for (name, labels), number in found.items()
            if name == "redmine_cached_requests_total" and ("resource", "own") not in labels
        ]
        return sum(answered) == count and found

    return until(counted, f"{count} requests are counted")


def program(name):
    path = shutil.which(name)
    assert path, f"{name} is missing: it is in Debian's package prometheus"
    return path


def test_requests_are_counted_by_resource_and_by_what_the_cache_did(launch, fake):
    daemon = launch()
    for _ in range(5):
        daemon.get("/issues.json")
    daemon.get("/projects/demo/issues.json")
    daemon.get("/nothing/known")
    daemon.request("POST", "/issues.json", body=b"{}")
    until(lambda: value(metrics(daemon), "connections") == 1, "those who left are not counted")
    done = len(fake.requests)
    until(lambda: value(metrics(daemon), "upstream_requests_total", outcome="done") == done, "every job has ended")
    found = metrics_of(daemon, 8)
    assert value(found, "requests_total", resource="issues", cache="hit", code="2xx") == 4
    assert value(found, "requests_total", resource="issues", cache="miss", code="2xx") >= 1
    assert value(found, "requests_total", resource="other", cache="miss", code="4xx") == 1
    written = [n for (_, labels), n in found.items() if ("cache", "write") in labels and len(labels) == 3]
    assert written == [1]
    assert value(found, "request_duration_seconds_count", cache="hit") == 4
    assert value(found, "served_age_seconds_count") == 4
    assert value(found, "upstream_duration_seconds_count", resource="issues") == 3
    assert value(found, "upstream_up") == 1
    assert value(found, "cache_invalidated_tags_total") > 0
    assert value(found, "cache_memory_entries") >= 1 and value(found, "cache_memory_limit_bytes") == 64 << 20


def test_histograms_add_up(daemon, fake, fresh):
    target = fresh()
    daemon.get(target)
    daemon.get(target)
    found = metrics(daemon)
    series = {}
    for (name, labels), number in found.items():
        if name.endswith("_bucket"):
            bound = float(dict(labels)["le"].replace("+Inf", "inf"))
            rest = frozenset(label for label in labels if label[0] != "le")
            series.setdefault((name.removesuffix("_bucket"), rest), []).append((bound, number))
    assert series
    for (name, labels), buckets in series.items():
        counts = [count for _, count in sorted(buckets)]
        assert counts == sorted(counts) and counts[-1] == found[name + "_count", labels]
        assert found[name + "_sum", labels] >= 0


def test_redmine_that_is_gone_shows(launch, fake):
    daemon = launch(upstream=f"http://127.0.0.1:{free_port()}")
    assert ("redmine_cached_upstream_up", frozenset()) not in metrics(daemon), "nothing is known yet"
    assert daemon.get("/issues.json").status == 502
    found = metrics_of(daemon, 1)
    assert value(found, "upstream_requests_total", outcome="unreachable") == 1
    assert found["redmine_cached_upstream_up", frozenset()] == 0
    assert value(found, "upstream_state_since_seconds") > 1.7e9


def test_labels_are_bounded_and_hold_no_secret(launch, fake):
    """Whatever clients ask for, the number of series does not grow with it."""
    daemon = launch()
    for number in range(1, 40):
        daemon.get(f"/unknown/{number}?key={ADMIN_KEY}", [("X-Redmine-API-Key", MANAGER_KEY)])
        daemon.get(f"/issues/{number}.json?key={ADMIN_KEY}")
    text = daemon.get("/-/metrics").text
    assert ADMIN_KEY not in text and MANAGER_KEY not in text and "unknown/" not in text
    assert len(parsed(text)) < 400


def test_open_metrics_when_asked(daemon, fake, fresh):
    daemon.get(fresh())
    answer = daemon.get("/-/metrics", [("Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")])
    assert answer.get("Content-Type") == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.text.endswith("\n# EOF\n")
    assert "# TYPE redmine_cached_requests counter\n" in answer.text
    assert daemon.request("HEAD", "/-/metrics").get("Content-Type").startswith("text/plain")


def test_promtool_finds_nothing_to_complain_about(daemon, fake, fresh):
    daemon.get(fresh())
    checked = subprocess.run(
        [program("promtool"), "check", "metrics"], input=daemon.get("/-/metrics").body, capture_output=True
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.mark.parametrize("arguments", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]])
def test_alert_rules(arguments):
    folder = TOP / "examples" / "prometheus"
    checked = subprocess.run([program("promtool"), *arguments], cwd=folder, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def exported():
    """Every name that there can be, from the rows of the source: some show only when there is something to say."""
    rows = re.findall(r'^\s*(COUNTER|GAUGE|FAMILY)\("(\w+)", ?(\w+)', (TOP / "src/front/metrics.c").read_text(), re.M)
    assert len(rows) > 30
    names = set()
    for macro, name, kind in rows:
        kind = kind if macro == "FAMILY" else macro
        suffixes = {"COUNTER": ["_total"], "GAUGE": [""], "HISTOGRAM": ["_bucket", "_sum", "_count"]}[kind]
        names |= {f"redmine_cached_{name}{suffix}" for suffix in suffixes}
    return names


@pytest.mark.parametrize("path", ["examples/prometheus/alerts.yml", "examples/prometheus/dashboard.json"])
def test_examples_use_names_that_there_are(path):
    used = set(re.findall(r"redmine_cached_\w+", (TOP / path).read_text()))
    assert used and not used - exported()


def test_grafana_dashboard_is_well_formed():
    dashboard = json.loads((TOP / "examples/prometheus/dashboard.json").read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 8
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24 and panel["title"]
        assert panel["type"] == "row" or all(target["expr"] for target in panel["targets"])


def test_a_real_prometheus_scrapes_it(daemon, fake, fresh, tmp_path):
    target = fresh()
    daemon.get(target)
    daemon.get(target)
    port = free_port()
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        "rule_files: [%s]\n"
        "scrape_configs:\n- job_name: redmine-cached\n  metrics_path: /-/metrics\n"
        "  static_configs: [{targets: ['127.0.0.1:%d']}]\n" % (TOP / "examples/prometheus/alerts.yml", daemon.port)
    )
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={tmp_path}/prometheus.yml",
                f"--storage.tsdb.path={tmp_path}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )

    def asked(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=5) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def scraped():
        targets = (asked("targets") or {}).get("activeTargets", [])
        assert server.poll() is None, (tmp_path / "log").read_text()
        return targets and targets[0]["health"] == "up"

    try:
        until(scraped, "Prometheus has scraped the daemon", 60 * PATIENCE)
        result = until(
            lambda: (asked("query?query=sum(redmine_cached_requests_total)") or {}).get("result"), "a value"
        )
        assert float(result[0]["value"][1]) >= 2
    finally:
        server.terminate()
        server.wait()


def test_watching_shows_how_far_behind_it_is(launch, fake, tmp_path):
    key = tmp_path / "key"
    key.write_text(ADMIN_KEY)
    key.chmod(0o600)
    daemon = launch(begin=False)
    daemon.configure(
        {
            "session.eyes.key_file": key,
            "session.eyes.listeners": daemon.options["listen.address"],
            "watch.session": "eyes",
            "watch.interval": "100ms",
        }
    )
    daemon.start()
    lag = ("redmine_cached_watch_lag_seconds", frozenset())
    found = until(lambda: (now := metrics(daemon)) and lag in now and now, "a round that saw everything")
    assert 0 <= found[lag] < 30 and value(found, "watch_rounds_total") >= 1
    assert daemon.status["watch"]["seen_ms"] > 1.7e12
