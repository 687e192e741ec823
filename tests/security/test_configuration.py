"""Production sends its secrets to nobody whose name it does not know."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from orchestrator.config import PROJECT_ROOT, Component, load_settings
from orchestrator.database.connection import database_url
from orchestrator.dbt.project import dbt_environment
from orchestrator.errors import SettleError
from orchestrator.halfin.factory import halfin_client
from tests.support.settings import make_settings
from tests.support.shell import Shell

LIVE = {"SETTLE_ENV": "production", "HALFIN_API_KEY": "sk_live_" + "0" * 64}
REMOTE = "postgresql://dbt:word@db.example:5432/settle"
TLS = "?sslmode=verify-full&sslrootcert=/etc/ca.pem&sslcert=/etc/c.pem&sslkey=/etc/k.pem"


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9/api", "https://127.0.0.1/api"])
def test_production_names_its_rail(url: str) -> None:
    """Without HALFIN_BASE_URL the live key went in clear to whoever listened on this machine."""
    settings = load_settings({**LIVE, "HALFIN_BASE_URL": url})
    with pytest.raises(SettleError, match="production names its rail by an https address"):
        halfin_client(settings)


@pytest.mark.parametrize("mode", ["", "?sslmode=require", "?sslmode=verify-ca"])
@pytest.mark.parametrize("variable", ["SETTLE_DBT_URL", "SETTLE_DAGSTER_URL"])
def test_production_checks_who_a_remote_database_is(variable: str, mode: str) -> None:
    """Without a certificate check anybody in between could be the server."""
    with pytest.raises(SettleError, match=f"{variable} names a remote database without sslmode"):
        load_settings({"SETTLE_ENV": "production", variable: REMOTE + mode})
    load_settings({"SETTLE_ENV": "production", variable: REMOTE + TLS})
    load_settings({"SETTLE_ENV": "development", variable: REMOTE + mode})


def test_all_of_tls_reaches_dbt_and_everybody_else(tmp_path: Path) -> None:
    """dbt got host, user and password alone, and connected without looking at the certificate."""
    settings = make_settings(tmp_path, SETTLE_DBT_URL=REMOTE + TLS)
    given = dbt_environment(settings)
    [output] = [
        o
        for name, o in yaml.safe_load((PROJECT_ROOT / "profiles.yml.example").read_text())[
            "settle"
        ]["outputs"].items()
        if name == "live"
    ]
    for part, value in (
        ("sslmode", "verify-full"),
        ("sslrootcert", "/etc/ca.pem"),
        ("sslcert", "/etc/c.pem"),
        ("sslkey", "/etc/k.pem"),
    ):
        assert given[f"SETTLE_DBT_{part.upper()}"] == value
        assert f"SETTLE_DBT_{part.upper()}" in output[part]
        assert conninfo_to_dict(database_url(settings, Component.DBT))[part] == value


def test_generated_sellers_are_refused_in_production(tmp_path: Path) -> None:
    """`settle generate` filled an empty production database with sellers that nobody can delete."""
    said = Shell(tmp_path, SETTLE_ENV="production").refused("generate")
    assert said.startswith("generated sellers are refused in production")


def test_a_unit_has_only_its_own_secrets() -> None:
    """The process that faces the internet held the rail's key and the orchestrator's login."""
    folder = PROJECT_ROOT / "deploy" / "systemd"
    receiver = (folder / "settle-receiver.service").read_text()
    assert "EnvironmentFile=/etc/settle/receiver.env" in receiver
    assert "User=settle-receiver" in receiver
    text = (folder / "receiver.env.example").read_text()
    for secret in ("HALFIN_API_KEY", "SETTLE_ORCHESTRATOR_URL", "SETTLE_DBT_URL"):
        assert secret not in text
    events = (folder / "settle-events.service").read_text()
    assert "EnvironmentFile=/etc/settle/events.env" in events
    assert "User=settle-events" in events
    text = (folder / "events.env.example").read_text()
    for secret in ("HALFIN", "SETTLE_DBT_URL", "SETTLE_WEBHOOK_URL", "SETTLE_LINK_SECRET"):
        assert secret not in text


HARDENED = """
NoNewPrivileges=true CapabilityBoundingSet= LockPersonality=true PrivateDevices=true PrivateTmp=true
ProtectClock=true ProtectControlGroups=true ProtectHome=true ProtectHostname=true
ProtectKernelLogs=true ProtectKernelModules=true ProtectKernelTunables=true ProtectProc=invisible
ProtectSystem=strict RestrictNamespaces=true RestrictRealtime=true RestrictSUIDSGID=true
SystemCallArchitectures=native SystemCallFilter=@system-service UMask=0077 StateDirectoryMode=0700
"""
UNITS = sorted((PROJECT_ROOT / "deploy" / "systemd").glob("*.service"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_can_do_little_beside_its_work(unit: Path) -> None:
    """They had neither a bounding set of capabilities nor a filter of system calls."""
    lines = unit.read_text().splitlines()
    assert [word for word in HARDENED.split() if word not in lines] == []
    assert "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6" in lines
    [user] = [line for line in lines if line.startswith("User=")]
    [writes] = [line for line in lines if line.startswith("ReadWritePaths=")]
    assert writes == f"ReadWritePaths=/var/lib/{user.removeprefix('User=')}"


def test_a_container_can_do_little_beside_its_work() -> None:
    composed = yaml.safe_load((PROJECT_ROOT / "deploy" / "compose.yaml").read_text())
    assert len(composed["services"]) == 6
    for service in composed["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    image = (PROJECT_ROOT / "deploy" / "Dockerfile").read_text()
    assert "\nUSER settle\n" in image
    assert re.findall(r"^FROM (.+)$", image, re.M) == ["${BASE}"]
    # A patch level of a release of Debian: "3.12-slim" is another image each month.
    assert re.search(r"^ARG BASE=python:\d+\.\d+\.\d+-slim-[a-z]+$", image, re.M)


def test_nothing_of_a_home_is_in_the_image() -> None:
    """Homes named .settle-x and profiles.yml, where people write passwords, were copied into it."""
    ignored = (PROJECT_ROOT / ".dockerignore").read_text().splitlines()
    for pattern in (".settle*", "profiles.yml", "**/*.env", "**/secrets", ".git"):
        assert pattern in ignored


def test_the_desk_needs_no_component_that_may_pay(tmp_path: Path) -> None:
    """People log in where only the receiver's own logins are known."""
    settings = make_settings(tmp_path, SETTLE_WEBHOOK_URL=REMOTE)
    assert Component.ORCHESTRATOR not in replace(settings).urls
    assert "db.example" in database_url(settings, Component.WEBHOOK)
