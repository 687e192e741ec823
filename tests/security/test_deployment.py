"""What deploy/ says is run as far as it can be without Docker and systemd."""

import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from orchestrator.config import PROJECT_ROOT, load_settings

DEPLOY = PROJECT_ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
EXAMPLES = sorted((DEPLOY / "systemd").glob("*.env.example"))
COMPOSED = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
IMAGE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
OF_LIBRARIES = {"DAGSTER_HOME", "DO_NOT_TRACK", "DBT_SEND_ANONYMOUS_USAGE_STATS"}
# Secrets are left blank in the examples.
FILLED_IN = {
    "HALFIN_API_KEY": "sk_live_word",
    "HALFIN_WEBHOOK_SECRET": "w" * 32,
    "SETTLE_LINK_SECRET": "l" * 32,
    "SETTLE_ERASURE_KEY": "e" * 32,
    "SETTLE_EVENTS_SECRET": "whsec_" + "QUJD" * 8,
}


Command = tuple[str, ...]


def of_units() -> set[Command]:
    """Every program that a unit starts, named as it is installed here."""
    found = set()
    for unit in UNITS:
        for line in re.findall(r"^ExecStart(?:Pre)?=(.+)$", unit.read_text(), re.M):
            found.add(tuple(shlex.split(line.replace("/opt/settle/.venv/bin/", ""))))
    return found


def of_containers() -> set[Command]:
    [entry] = re.findall(r"^ENTRYPOINT \[\"(\w+)\"\]$", IMAGE, re.M)
    return {
        (*service.get("entrypoint", [entry]), *service.get("command", []))
        for service in COMPOSED["services"].values()
    }


def values_of(file: Path) -> dict[str, str]:
    lines = (line for line in file.read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def test_units_and_containers_start_the_same_programs() -> None:
    """In a container a page listens on all of its own addresses."""
    every = "0.0.0.0"  # noqa: S104 - what a container's own pages listen on
    here = {tuple(w.replace(every, "127.0.0.1") for w in c) for c in of_containers()}
    assert here == of_units()


@pytest.mark.nightly("a start of every program: deploy/ changes rarely")
@pytest.mark.parametrize("command", sorted(of_units() | of_containers()), ids=" ".join)
def test_each_program_knows_its_options(command: Command) -> None:
    """An option that a version no longer has is an error before help is shown."""
    program = Path(sys.executable).parent / command[0]
    said = subprocess.run(
        [program, *command[1:], "--help"], cwd=PROJECT_ROOT, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr
    wrong = subprocess.run(
        [program, *command[1:], "--no-such-option", "--help"],
        cwd=PROJECT_ROOT,
        capture_output=True,
    )
    assert wrong.returncode == 2


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_an_example_is_taken_once_it_is_filled_in(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = (PROJECT_ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
    values = values_of(file)
    assert {name for name in values if f"`{name}`" not in known} <= OF_LIBRARIES
    for name in [name for name in os.environ if name.startswith(("SETTLE_", "HALFIN_"))]:
        monkeypatch.delenv(name)
    for name, value in values.items():
        monkeypatch.setenv(name, value or FILLED_IN.get(name, ""))
    settings = load_settings()
    assert settings.environment.value == "production"
    assert not settings.is_embedded


def test_a_container_writes_where_its_volume_is() -> None:
    """The receiver's example names another home than the one that is mounted in its container."""
    [home] = re.findall(r"^VOLUME (\S+)$", IMAGE, re.M)
    for name, service in COMPOSED["services"].items():
        [volume] = service["volumes"]
        assert volume.partition(":")[2] == home, name
        assert volume.partition(":")[0] in COMPOSED["volumes"], name
        assert service["environment"] == {"SETTLE_HOME": home}, name
        assert service["image"] == "settle", name
        assert service["build"] == {"context": "..", "dockerfile": "deploy/Dockerfile"}, name


def test_the_image_has_a_python_for_which_the_lock_is_whole() -> None:
    """It installs what is locked and nothing else: what newer Pythons need alone must be there."""
    [tag] = re.findall(r"^ARG BASE=python:(\d+\.\d+\.\d+)-slim-[a-z]+$", IMAGE, re.M)
    described = importlib.metadata.metadata("settle")
    assert Requirement(f"python{described['Requires-Python']}").specifier.contains(tag)
    text = (PROJECT_ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {
        canonicalize_name(name): version
        for name, version in re.findall(r"^([\w.\[\]-]+?)(?:\[[^\]]*\])?==([^\s;]+)", text, re.M)
    }
    there = {
        "python_version": tag.rpartition(".")[0],
        "python_full_version": tag,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    missing = []
    for name in locked:
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system than this one
        for need in map(Requirement, needs):
            if need.marker is None or need.marker.evaluate(there):
                version = locked.get(canonicalize_name(need.name))
                if version is None or not need.specifier.contains(version, prereleases=True):
                    missing.append(f"{name} needs {need}, locked is {version}")
    assert missing == []


def in_image(path: str) -> bool:
    """Whether .dockerignore leaves a file to the image: its last pattern that matches says so."""
    is_left = True
    for line in (PROJECT_ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        is_exception, pattern = line.startswith("!"), line.removeprefix("!")
        regex = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if re.fullmatch(f"{regex}(/.*)?", path):
            is_left = is_exception
    return is_left


@pytest.mark.nightly("a whole copy of the project: deploy/ changes rarely")
def test_what_is_in_the_image_parses_and_loads(tmp_path: Path) -> None:
    """dbt's own tests were left out of it, without which the project does not parse."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    image, home = tmp_path / "opt" / "settle", tmp_path / "home"
    for path in filter(in_image, listed.stdout.splitlines()):
        source = PROJECT_ROOT / path
        if source.is_file():
            (image / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, image / path)
    assert not (image / "tests" / "security").exists()
    python = (
        "from orchestrator.config import load_settings;"
        "from orchestrator.dbt import builds, project;"
        "import orchestrator.definitions as d; settings = load_settings();"
        "project.prepare_dbt(settings); builds.manifest_path(settings); print(d.__file__)"
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SETTLE_", "HALFIN_"))}
    nowhere = {f"SETTLE_{who}_URL": "postgresql://x@127.0.0.1:1/x" for who in ("DBT", "WEBHOOK")}
    loaded = subprocess.run(
        [sys.executable, "-c", python],
        cwd=image,
        env={**kept, **nowhere, "PYTHONPATH": str(image), "SETTLE_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert loaded.returncode == 0, loaded.stdout[-2000:] + loaded.stderr[-2000:]
    assert loaded.stdout.splitlines()[-1] == f"{image}/orchestrator/definitions.py"
