"""What deploy/ holds fits the server: names of settings, times, libraries."""

import configparser
import os
import re
import subprocess

import pytest
import yaml

from conftest import BINARY, ROOT, Server
from haproxy import PROGRAM, SAMPLE as BALANCER

DEPLOY = ROOT / "deploy"
UNITS = DEPLOY / "systemd"
COMPOSE = DEPLOY / "container/compose.yaml"
SETTING = re.compile(r"\b(?:TANDEM_[A-Z0-9_]+[A-Z0-9]|TASK_ASSIGNMENT_MODE)\b")
LAST_WORDS_S = 10
# In every image, or only in a build with sanitizers.
COMPILERS_OWN = {"libc6", "libgcc-s1", "libstdc++6", "libasan8", "libubsan1", "libtsan2"}


def known_settings():
    page = (ROOT / "docs/operating/settings.md").read_text()
    return set(re.findall(r"^\| `(\w+)` \|", page, re.M))


def sample(name):
    lines = (UNITS / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def unit(name):
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str
    parser.read(UNITS / name)
    return parser["Service"]


def drained_within_s(settings):
    return int(settings["TANDEM_DRAIN_TIMEOUT_S"]) + int(settings["TANDEM_LEASE_S"]) + LAST_WORDS_S


def test_every_setting_that_is_named_is_there():
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and path.parent.name != "secrets"]
    named = {(str(path.relative_to(ROOT)), name)
             for path in files for name in SETTING.findall(path.read_text())}
    assert len(named) > 30
    assert {entry for entry in named if entry[1] not in known_settings()} == set()


def test_the_sample_settings_serve(tmp_path):
    settings = sample("server.env") | {"TANDEM_LISTEN": "127.0.0.1:0"}
    settings["TANDEM_HANDLERS_DIR"] = str(ROOT / "handlers")
    server = Server(tmp_path, **settings).start()
    try:
        health = server.request("GET", "/health").json
        assert (health["status"], health["store"], health["logs"]) == ("ok", "ready", "ready")
    finally:
        server.kill()


@pytest.mark.parametrize("name", ["tandem.service", "tandem-worker.service"])
def test_a_unit_lets_jobs_drain_and_does_not_repeat_what_is_hopeless(name):
    service = unit(name)
    assert (service["KillMode"], service["Delegate"]) == ("mixed", "yes")
    assert int(service["TimeoutStopSec"]) > drained_within_s(sample("server.env"))
    assert "78" in service["RestartPreventExitStatus"].split()
    assert int(service["LimitNOFILE"]) > 16384


def composed():
    return yaml.safe_load(COMPOSE.read_text())


def named(services, name):
    return {key: one for key, one in services.items() if key.startswith(name + "-")}


def test_compose_names_only_what_it_has():
    compose = composed()
    services = compose["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        assert set(service["networks"]) <= set(compose["networks"])
        volumes = {entry.split(":")[0] for entry in service["volumes"]}
        assert {name for name in volumes if not name.startswith(".")} <= set(compose["volumes"])
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "healthcheck" in services[other]
    named_hosts = re.findall(r"http://([\w-]+):8080", COMPOSE.read_text())
    assert set(named_hosts) - {"127.0.0.1"} == {"balancer"} <= set(services)


def test_compose_shares_what_must_be_shared_and_nothing_else():
    services = composed()["services"]
    servers, workers = named(services, "server"), named(services, "worker")
    assert (len(servers), len(workers)) == (2, 3)
    assert len({one["volumes"][0] for one in workers.values()}) == 3  # a token for each
    assert len({one["volumes"][0] for one in servers.values()}) == 2  # an id for each
    shared = {"TANDEM_DATABASE_URL", "TANDEM_LOGS_URL", "TANDEM_JWT_SECRET"}
    for server in servers.values():
        assert set(server["secrets"]) == shared
        files = server["environment"]["TANDEM_BLOBS_URL"].removeprefix("file://")
        assert server["volumes"][1] == "files:" + files
        assert files in (DEPLOY / "container/Containerfile").read_text()  # made for the user
        pause_s = int(server["stop_grace_period"].removesuffix("s"))
        assert pause_s > drained_within_s(server["environment"])


def sections(text):
    """Of a HAProxy configuration: (kind, name) to its lines, as words."""
    found, lines = {}, []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words and not line.startswith(" "):
            lines = found.setdefault((words[0], " ".join(words[1:])), [])
        elif words:
            lines.append(words)
    return found


def seconds(value):
    number, unit = re.fullmatch(r"(\d+)([a-z]+)", value).groups()
    return int(number) * {"ms": 0.001, "s": 1, "h": 3600}[unit]


def test_the_balancer_leads_to_every_server_and_lets_a_poll_wait():
    parts, services = sections(BALANCER.read_text()), composed()["services"]
    backends = {name: lines for (kind, name), lines in parts.items() if kind == "backend"}
    frontend = parts["frontend", "api"]
    used = {words[1] for words in frontend if words[0] in ("use_backend", "default_backend")}
    assert used == set(backends)
    expected = {f"{name}:8080" for name in named(services, "server")}
    for lines in backends.values():
        assert {words[2] for words in lines if words[0] == "server"} == expected
        tracked = [words[-1] for words in lines if "track" in words]
        assert all(one.split("/")[0] in backends for one in tracked)
    assert ["balance", "hdr(Authorization)"] in backends["workers"]
    assert ["bind", services["balancer"]["ports"][0].split(":", 1)[1].replace("8080:", ":")] \
        in frontend
    connections = dict(words for words in parts["global", ""] if len(words) == 2)["maxconn"]
    assert services["balancer"]["ulimits"]["nofile"] > 2 * int(connections)
    timeouts = {words[1]: seconds(words[2]) for words in parts["defaults", ""]
                if words[0] == "timeout"}
    assert timeouts["server"] > 60 and timeouts["client"] > 60  # wait_s
    assert timeouts["http-keep-alive"] < 75  # the server's own
    assert timeouts["connect"] <= 0.5  # with TANDEM_RECONNECT_S, 1.5, for a worker that comes


def test_haproxy_takes_the_balancers_file():
    """The names of servers are known in the containers alone."""
    done = subprocess.run([PROGRAM, "-c", "-f", BALANCER], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines()
                if "WARNING" in line and "could not resolve" not in line]


def test_the_image_has_the_libraries_of_the_binary():
    listed = subprocess.run(["objdump", "-p", BINARY], capture_output=True, text=True, check=True)
    libraries = re.findall(r"NEEDED\s+(\S+)", listed.stdout)
    owners = subprocess.run(["dpkg", "-S", *("*-linux-gnu/" + library for library in libraries)],
                            capture_output=True, text=True, check=False).stdout
    needed = {line.split(":")[0] for line in owners.splitlines()} - COMPILERS_OWN
    image = (DEPLOY / "container/Containerfile").read_text().split("FROM debian:12-slim")[1]
    assert "libpq5" in needed
    assert needed - set(image.split()) == set()


def test_the_entrypoint_makes_settings_of_secrets(tmp_path):
    program = tmp_path / "tandem"
    program.write_text('#!/bin/sh\necho "$TANDEM_DATABASE_URL|$*"\n')
    program.chmod(0o755)
    (tmp_path / "TANDEM_DATABASE_URL").write_text("postgresql://a b/c\n")
    (tmp_path / "postgres_password").write_text("not a setting\n")
    script = (DEPLOY / "container/entrypoint").read_text().replace("/run/secrets", str(tmp_path))
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", script, "entrypoint", "serve", "--log-json"], env=path,
                          capture_output=True, text=True, check=True)
    assert done.stdout == "postgresql://a b/c|serve --log-json\n"
