"""/-/status in a real browser: its values move, nothing leaves the host, everybody can use it."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from behaviours import json_reply
from daemon import until

AXE = Path(__file__).resolve().parents[1] / "vendor" / "axe-core" / "axe.js"
LOOKS = 60  # s: the page looks every two, on a busy machine


@pytest.fixture(scope="module")
def chromium():
    options = Options()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    driver.set_script_timeout(2 * LOOKS)
    yield driver
    driver.quit()


def opened(chromium, daemon, theme="light", width=1400):
    chromium.get_log("browser"), chromium.get_log("performance")
    metrics = {"width": width, "height": 1200, "deviceScaleFactor": 1, "mobile": width < 600}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    chromium.get(f"http://127.0.0.1:{daemon.port}/-/status")
    until(lambda: tiles(chromium), "the tiles are there", LOOKS)
    return chromium


def tiles(page):
    """{name: (value, what stands below it)}"""
    script = """return Object.fromEntries([...document.querySelectorAll('#tiles > div')].map(
        (box) => [box.querySelector('dt').textContent, [...box.querySelectorAll('dd')].map((dd) => dd.textContent)]))"""
    return page.execute_script(script)


def text(page, selector):
    return page.execute_script("return document.querySelector(arguments[0]).innerText", selector)


def rows(page, table):
    script = "return [...document.querySelectorAll(arguments[0] + ' tbody tr')].map((row) => [...row.cells].map((c) => c.innerText))"
    return page.execute_script(script, f"#{table}")


def errors(page):
    return [entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def asked(page):
    """Every URL that the browser asked for."""
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    return {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}


def test_values_move_without_a_reload(launch, fake, chromium):
    daemon = launch()
    page = opened(chromium, daemon)
    assert "Redmine was not asked yet" in text(page, "#redmine")
    page.execute_script("window.mark = 1")
    for _ in range(4):
        daemon.get("/issues.json")
    fake.on("/projects.json", json_reply(b"{}", status=500))
    daemon.get("/projects.json?key=abcdef0123")
    until(lambda: tiles(page)["Hits, last minute"][1] == "60.0 % since the start", "the hits", LOOKS)
    until(lambda: "500" in str(rows(page, "bad")), "the failed request", LOOKS)
    assert rows(page, "bad")[0][0] == "GET projects", "no path: it is not everybody's business"
    assert "abcdef" not in page.page_source and "target" not in daemon.status["slow_or_failed"][0]
    newest = {row[0]: row[8] for row in rows(page, "resources")}
    assert set(newest) == {"issues", "projects"} and newest["projects"] == "–" and newest["issues"].endswith(" ago")
    until(lambda: rows(page, "engines")[0][4] == "2", "both questions to Redmine are counted", LOOKS)
    assert tiles(page)["Failed"][0] == "1"
    drawn = "return [...document.querySelectorAll('.plots canvas')].filter((canvas) => canvas.width > 100).length"
    until(lambda: page.execute_script(drawn) == 4, "four plots", LOOKS)
    assert re.match(r"hits [\d.]+, others", page.execute_script(
        "return document.getElementById('plot-requests').getAttribute('aria-label')"
    ))
    assert page.execute_script("return window.mark") == 1
    assert not errors(page)
    assert asked(page) <= {
        f"http://127.0.0.1:{daemon.port}/-/status",
        f"http://127.0.0.1:{daemon.port}/-/status.json",
        "data:,",
    }
    daemon.stop()
    until(lambda: "does not answer" in text(page, "#redmine"), "that the daemon is gone", LOOKS)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_everybody_can_use_it(daemon, fake, fresh, chromium, theme, width):
    daemon.get(fresh())
    page = opened(chromium, daemon, theme, width)
    plots = "return document.querySelectorAll('.plots canvas').length"
    until(lambda: page.execute_script(plots) == 4, "the plots", LOOKS)
    page.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text()})
    found = page.execute_async_script(
        "const done = arguments[0]; axe.run().then((result) => done(result.violations.map("
        "(v) => [v.impact, v.id, v.nodes.map((node) => node.html)])))"
    )
    assert found == []
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth"), "it fits the width"
    ground = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (int(re.search(r"\d+", ground).group()) < 128) == (theme == "dark")
    assert not errors(page)


def test_only_its_own_scripts_and_styles_may_run(daemon, fake, chromium):
    answer = daemon.get("/-/status")
    policy = answer.get("Content-Security-Policy")
    assert answer.get("Content-Type") == "text/html; charset=utf-8" and answer.get("X-Content-Type-Options") == "nosniff"
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    page = opened(chromium, daemon)
    page.execute_script(
        "const bad = document.createElement('script'); bad.textContent = 'window.broken = 1'; document.body.append(bad)"
    )
    assert page.execute_script("return window.broken") is None
    page.get_log("browser")
    assert daemon.request("HEAD", "/-/status").get("Content-Length") == str(len(answer.body))
