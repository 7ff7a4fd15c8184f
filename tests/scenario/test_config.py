"""The command line and the configuration: what is accepted, what is said about the rest, and what a reload changes."""

import re
import signal

import pytest

from behaviours import reply
from client import ttl
from daemon import StartFailed, run, until, written_config
from wire import free_port

MINIMAL = "[upstream]\nurl = http://127.0.0.1:9\n"


@pytest.fixture
def file(tmp_path):
    """A function that writes a configuration file and returns its path."""

    def write(text, name="test.conf"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def check(path, *more):
    return run("--config", path, "--check-config", *more)


def printed(path, *more):
    code, out, err = run("--config", path, "--print-config", *more)
    assert code == 0, err
    return out


def setting(text, section, name):
    """The values of a setting in printed configuration."""
    found, current = [], None
    for line in text.splitlines():
        if line.startswith("["):
            current = line.strip()
        elif current == section and re.match(rf"{re.escape(name)}\s*=", line):
            found.append(line.partition("=")[2].strip().strip('"'))
    return found


# The command line.


def test_version_and_help():
    code, out, err = run("--version")
    assert code == 0 and re.match(r"redmine-cached \d+\.\d+", out) and not err
    code, out, err = run("--help")
    assert code == 0 and not err
    for word in ("--config", "-o", "--check-config", "--print-config", "--version", "--help"):
        assert word in out


@pytest.mark.parametrize("arguments", [["--no-such-option"], ["-o"], ["extra"], ["--config"]])
def test_wrong_arguments(arguments):
    code, out, err = run(*arguments)
    assert code not in (0, None) and code > 0
    assert arguments[0] in err


def test_upstream_is_needed(file):
    code, _, err = check(file("[log]\nlevel = info\n"))
    assert code != 0 and "upstream" in err and "url" in err


def test_file_that_is_missing(tmp_path):
    code, _, err = check(tmp_path / "none.conf")
    assert code != 0 and "none.conf" in err


def test_option_alone_is_enough(launch, fake, fresh, tmp_path):
    daemon = launch(begin=False)
    options = {
        "upstream.url": fake.base,
        "listen.address": f"127.0.0.1:{daemon.port}",
        "cache.path": str(daemon.cache_file),
    }
    daemon.start([word for name, value in options.items() for word in ("-o", f"{name}={value}")])
    target = fresh()
    daemon.get(target)
    assert daemon.get(target).hit


def test_default_address(file):
    assert setting(printed(file(MINIMAL)), "[listen]", "address") == ["127.0.0.1:7336"]


def test_options_win_over_the_file(file):
    path = file(MINIMAL + '[cache]\nmemory = 32M\n[engine "thread"]\nworkers = 3\n')
    text = printed(path, "-o", "cache.memory=16M", "-o", "engine.thread.workers=7", "-o", "lifetime.issues=5m")
    assert setting(text, "[cache]", "memory") == ["16M"]
    assert setting(text, '[engine "thread"]', "workers") == ["7"]
    assert setting(text, "[lifetime]", "issues") == ["5m"]


def test_options_in_order(file):
    assert setting(printed(file(MINIMAL), "-o", "cache.memory=16M", "-o", "cache.memory=8M"), "[cache]", "memory") == [
        "8M"
    ]


def test_repeatable_address(file):
    path = file(MINIMAL + "[listen]\naddress = 127.0.0.1:7001\naddress = unix:/run/x.sock\n")
    assert setting(printed(path), "[listen]", "address") == ["127.0.0.1:7001", "unix:/run/x.sock"]
    assert setting(
        printed(path, "-o", "listen.address=127.0.0.1:7002", "-o", "listen.address=127.0.0.1:7003"),
        "[listen]",
        "address",
    ) == [
        "127.0.0.1:7002",
        "127.0.0.1:7003",
    ]


def test_drop_ins(file):
    path = file(MINIMAL + "[cache]\nmemory = 32M\n")
    file("[cache]\nmemory = 8M\nsize = 2G\n", "conf.d/10-first.conf")
    file("[cache]\nmemory = 16M\n", "conf.d/20-second.conf")
    file("[cache]\nmemory = 4M\n", "conf.d/ignored.txt")
    text = printed(path)
    assert setting(text, "[cache]", "memory") == ["16M"] and setting(text, "[cache]", "size") == ["2G"]


def test_error_in_a_drop_in_names_it(file):
    path = file(MINIMAL)
    drop = file("[cache]\n\nmemory = much\n", "conf.d/10-first.conf")
    code, _, err = check(path)
    assert code != 0 and f"{drop}:3:" in err


def test_printed_configuration_is_accepted_and_the_same(file):
    path = file(
        MINIMAL
        + '[listen]\naddress = 127.0.0.1:7001\nallowed_hosts = a.example\n[lifetime]\nissues = 90s\n[engine "thread"]\nworkers = auto\nqueue = 17\n'
    )
    once = printed(path)
    again = printed(file(once, "again.conf"))
    assert once == again
    assert setting(once, '[engine "thread"]', "queue") == ["17"]


@pytest.mark.parametrize(
    "text, line, words",
    [
        (MINIMAL + "[cache]\nmemory = much\n", 4, ["memory", "much"]),
        (MINIMAL + "[cache]\nmemory = 1\n", 4, ["memory"]),
        (MINIMAL + "[cache]\nmemory = -1M\n", 4, ["memory"]),
        (MINIMAL + "[cache]\nmemory = 99999999999G\n", 4, ["memory"]),
        (MINIMAL + "[cache]\nmemery = 1M\n", 4, ["memery"]),
        (MINIMAL + "[cash]\nmemory = 1M\n", 3, ["cash"]),
        (MINIMAL + "[cache]\npolicy = mine\n", 4, ["policy", "redmine", "origin"]),
        (MINIMAL + "[lifetime]\nissues = soon\n", 4, ["issues"]),
        (MINIMAL + "[lifetime]\nisues = 5s\n", 4, ["isues", "issues"]),
        (MINIMAL + "[log]\nlevel = loud\n", 4, ["level", "debug"]),
        (MINIMAL + "[log]\nformat = xml\n", 4, ["format", "json"]),
        (MINIMAL + '[engine "thread"]\nworkers = many\n', 4, ["workers", "auto"]),
        (MINIMAL + '[engine "thread"]\nworkers = -3\n', 4, ["workers"]),
        (MINIMAL + "[engine]\ndefault = nosuch\n", 4, ["nosuch", "thread"]),
        (MINIMAL + "[listen]\naddress = nowhere\n", 4, ["address"]),
        (MINIMAL + "[listen]\naddress = 127.0.0.1:99999\n", 4, ["address"]),
        (MINIMAL + "[listen]\nallow_remote = perhaps\n", 4, ["allow_remote"]),
        (MINIMAL + "no section, no equals\n", 3, []),
        ("[upstream]\nurl = ftp://x\n", 2, ["url", "http"]),
        ("[upstream]\nurl = http://\n", 2, ["url"]),
        ("[upstream]\nurl = redmine.example.org\n", 2, ["url", "http"]),
        ("[upstream]\nurl = http://x/?key=1\n", 2, ["url"]),
    ],
)
def test_errors_name_file_line_and_what_is_allowed(file, text, line, words):
    path = file(text)
    code, _, err = check(path)
    assert code > 0
    assert f"{path}:{line}:" in err, err
    for word in words:
        assert word in err, err
    assert run("--config", path)[0] > 0, "it must not start with what it does not understand"


def test_all_errors_are_told_at_once(file):
    path = file(MINIMAL + "[cache]\nmemory = much\nsize = little\n[log]\nlevel = loud\n")
    _, _, err = check(path)
    assert all(f"{path}:{line}:" in err for line in (4, 5, 7)), err


@pytest.mark.parametrize(
    "option",
    ["cache.memory=much", "cash.memory=1M", "cache.memory", "=", "lifetime.isues=5s", "engine.thread.workers=x"],
)
def test_errors_of_options_name_them(file, option):
    code, _, err = check(file(MINIMAL), "-o", option)
    assert code > 0 and "-o" in err
    if "=" in option:
        assert option.partition("=")[0] in err


def test_check_says_nothing_wrong_with_what_is_right(file):
    code, out, err = check(file("; comment\n# comment\n" + MINIMAL + "[cache]\n  memory = 64M  \n"))
    assert code == 0 and not err


def test_check_does_not_listen_or_touch_the_cache(file, tmp_path):
    path = file(MINIMAL + f"[listen]\naddress = 127.0.0.1:{free_port()}\n[cache]\npath = {tmp_path}/cache/cache.db\n")
    assert check(path)[0] == 0
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("span, seconds", [("30s", 30), ("5m", 300), ("1h", 3600), ("1d", 86400), ("1500ms", 1)])
def test_spans(launch, fake, fresh, span, seconds):
    daemon = launch({"lifetime.issues": span})
    target = fresh()
    daemon.get(target)
    assert seconds / 2 - 2 <= ttl(daemon.get(target)) <= seconds


def test_sanitary_start_failure_of_a_missing_ca_file(launch, fake, tmp_path):
    with pytest.raises(StartFailed) as failure:
        launch({"upstream.ca_file": tmp_path / "none.pem"}, upstream="https://127.0.0.1:9")
    assert "none.pem" in failure.value.stderr


# Reload.


def reload(daemon, options, pattern=r"(?i)(reload|configuration)"):
    before = len(daemon.stderr)
    daemon.configure(options)
    daemon.signal(signal.SIGHUP)
    until(lambda: re.search(pattern, daemon.stderr[before:]), "the reload is logged")
    return daemon.stderr[before:]


def test_reload_changes_a_lifetime(launch, fake, fresh):
    daemon = launch({"lifetime.issues": "10s"})
    daemon.get(fresh())
    reload(daemon, {"lifetime.issues": "300s"})

    def longer():
        target = fresh()
        daemon.get(target)
        return 250 < ttl(daemon.get(target)) <= 300

    until(longer, "new entries live as long as the new setting says")


def test_reload_changes_the_log_level(launch, fake, fresh):
    daemon = launch({"log.level": "warn"})
    with daemon.connect() as connection:
        connection.get(fresh("/quiet"))
        connection.get("/-/ready")  # a request is logged when it has ended: before the next one on its connection
    reload(daemon, {"log.level": "info"}, pattern="")
    until(lambda: daemon.get(fresh("/loud")).status and "/loud" in daemon.stderr, "requests are logged at level info")
    assert "/quiet" not in daemon.stderr


def test_reload_keeps_what_is_stored_and_who_is_connected(launch, fake, fresh):
    daemon = launch()
    target = fresh()
    with daemon.connect() as connection:
        connection.get(target)
        reload(daemon, {"lifetime.issue": "1h"})
        assert connection.get(target).hit


def test_a_change_of_policy_and_back_begins_anew(launch, fake, fresh):
    """A write in between spoilt nothing that the first policy had stored."""
    daemon = launch({"cache.policy": "redmine"})
    target = fresh("/issues/1.json")
    daemon.get(target)
    assert daemon.get(target).hit
    for policy in ("origin", "redmine"):
        reload(daemon, {"cache.policy": policy}, "new settings are in force")
    assert not daemon.get(target).hit


@pytest.mark.parametrize("first, second", [("origin", "redmine"), ("redmine", "origin")])
@pytest.mark.parametrize("change", ["a restart", "a reload"])
def test_a_policy_changed_over_a_restart_and_back(launch, fake, fresh, first, second, change):
    """What was written under the other policy meanwhile spoilt nothing of the first one's."""
    daemon = launch({"cache.policy": first})
    target = fresh("/issues/1.json")
    path = target.partition("?")[0]
    kept = [("Content-Type", "application/json"), ("Cache-Control", "public, max-age=600")]
    fake.on(path, reply(200, b"old", kept))
    daemon.get(target)
    daemon.restart()
    assert daemon.get(target).hit
    if change == "a restart":
        daemon.configure({"cache.policy": second})
        daemon.restart()
    else:
        reload(daemon, {"cache.policy": second}, "new settings are in force")
    assert not daemon.get(target).hit
    fake.on(path, reply(200, b"new", kept))
    assert daemon.request("PUT", target, body=b"{}").status == 200
    assert daemon.get(target).text == "new"
    daemon.configure({"cache.policy": first})
    daemon.restart()
    answer = daemon.get(target)
    assert (answer.hit, answer.text) == (False, "new")


@pytest.mark.parametrize("before, after", [("origin", "redmine"), ("redmine", "origin")])
def test_after_a_change_of_policy_writes_are_seen(launch, fake, fresh, before, after):
    """What one policy stored is not spoilt by writes under the other one."""
    daemon = launch({"cache.policy": before})
    target = fresh("/issues/1.json")
    path = target.partition("?")[0]
    kept = [("Content-Type", "application/json"), ("Cache-Control", "public, max-age=600")]
    fake.on(path, reply(200, b"old", kept))
    daemon.get(target)
    assert daemon.get(target).hit
    reload(daemon, {"cache.policy": after})
    until(lambda: not daemon.get(target).hit, "the other policy is in force")
    fake.on(path, reply(200, b"new", kept))
    assert daemon.request("PUT", target, body=b"{}").status == 200
    assert daemon.get(target).text == "new"


def test_bad_file_leaves_the_old_one_in_force(launch, fake, fresh):
    daemon = launch({"lifetime.issues": "100s"})
    before = len(daemon.stderr)
    daemon.config.write_text(written_config(daemon.options) + "[cache]\nmemory = much\n")
    line = daemon.config.read_text().splitlines().index("memory = much") + 1
    daemon.signal(signal.SIGHUP)
    daemon.logged(re.escape(f"{daemon.config}:{line}:"))
    target = fresh()
    daemon.get(target)
    assert 90 <= ttl(daemon.get(target)) <= 100
    reload(daemon, {"lifetime.issues": "200s"})
    assert "much" in daemon.stderr[before:]
    until(lambda: 150 < ttl([daemon.get(t) for t in [fresh()] * 2][1]) <= 200, "a good file is taken again")


def test_file_that_is_gone_leaves_the_old_one_in_force(launch, fake, fresh):
    daemon = launch()
    daemon.config.unlink()
    daemon.signal(signal.SIGHUP)
    daemon.logged(re.escape(str(daemon.config)))
    assert daemon.get(fresh()).status == 200


def test_what_needs_a_restart_is_said(launch, fake, fresh):
    daemon = launch()
    said = reload(daemon, {"listen.address": f"127.0.0.1:{free_port()}"}, pattern=r"listen\.address")
    assert "restart" in said
    assert daemon.get(fresh()).status == 200


def test_reloads_in_plenty_under_load(launch, fake, fresh):
    daemon = launch()
    with daemon.connect() as connection:
        for number in range(50):
            daemon.configure({"lifetime.issues": f"{number + 1}s"})
            daemon.signal(signal.SIGHUP)
            for _ in range(5):
                assert connection.get(fresh()).status == 200
