"""deploy/citus opens a worker to nodes alone; tests/cluster uses its files on a real one."""

import subprocess
from pathlib import Path

import pytest
import yaml

from orchestrator.config import PROJECT_ROOT
from orchestrator.database.versions import FOLDER

CITUS = PROJECT_ROOT / "deploy" / "citus"
COMPOSED = yaml.safe_load((PROJECT_ROOT / "deploy" / "compose.citus.yaml").read_text())
PAGE = (PROJECT_ROOT / "docs" / "operations" / "cluster.md").read_text(encoding="utf-8")


def rules(file: str) -> list[list[str]]:
    """What is in force of a file, in its order, field by field."""
    lines = (CITUS / file).read_text(encoding="utf-8").splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


def test_a_worker_opens_for_nodes_with_their_certificate_and_for_nobody_else() -> None:
    local, *remote = rules("worker.pg_hba.conf")
    assert local == ["local", "all", "postgres", "peer"]
    assert remote
    for kind, database, user, address, *method in remote:
        assert (kind, database, user) == ("hostssl", "settle", "all")
        assert address.endswith("/32")
        assert method == ["cert", "map=nodes"]


def test_a_node_opens_no_login_of_ours_on_the_coordinator() -> None:
    certified = [rule for rule in rules("coordinator.pg_hba.conf") if "cert" in rule]
    assert {rule[3] for rule in certified} == {rule[3] for rule in rules("worker.pg_hba.conf")[1:]}
    assert {tuple(rule[:3]) for rule in certified} == {("hostssl", "settle", "postgres")}
    methods = [rule[-1] for rule in rules("coordinator.pg_hba.conf")]
    assert {*methods} == {"peer", "map=nodes", "reject", "scram-sha-256"}
    # Who is no node is refused as the administrator before anybody is asked for a password.
    assert methods.index("reject") < methods.index("scram-sha-256")


def test_the_page_has_the_lines_of_the_file() -> None:
    for rule in rules("worker.pg_hba.conf"):
        assert rule in [line.split() for line in PAGE.splitlines()]


def test_a_new_node_has_every_role_of_the_others() -> None:
    """Citus copies who granted what to a node that joins, and stops where one is missing."""
    made = {words[2] for words in rules("worker.sql") if words[:2] == ["create", "role"]}
    text = (FOLDER / "roles.sql").read_text(encoding="utf-8")
    ours = text.partition("array[")[2].partition("]")[0]
    assert {name.strip(";") for name in made} == {':"owner"', *ours.replace("'", "").replace(
        ",", " "
    ).split()}  # fmt: skip


def test_each_node_of_the_compose_file_has_an_address_and_files_that_are_there() -> None:
    addresses = set()
    for name, node in COMPOSED["services"].items():
        addresses.add(f"{node['networks']['nodes']['ipv4_address']}/32")
        assert "ports" not in node or name == "coordinator"
        for volume in node["volumes"][1:]:
            source, target, mode = volume.split(":")
            assert mode == "ro"
            if "certificates" in source:
                assert (source, target) == (f"./citus/certificates/{name}", "/etc/settle-citus")
            else:
                assert (PROJECT_ROOT / "deploy" / source).is_file()
    assert addresses == {rule[3] for rule in rules("worker.pg_hba.conf")[1:]}


@pytest.mark.parametrize("host", ["coordinator", "worker-1"])
def test_certificates_are_what_the_files_ask_for(tmp_path: Path, host: str) -> None:
    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout

    for _ in range(2):  # again: what is there stays
        run("sh", str(CITUS / "certificates.sh"), str(tmp_path), host)
    purposes = (("node.crt", "sslclient"), (f"{host}/server.crt", "sslserver"))
    for file, purpose in purposes:
        assert run("openssl", "verify", "-CAfile", "ca.crt", "-purpose", purpose, file)
    shown = run(
        "openssl", "x509", "-noout", "-subject", "-nameopt", "sep_multiline", "-in", "node.crt"
    )
    [[_, name, user]] = rules("pg_ident.conf")
    assert (shown.split("CN=")[1].strip(), user) == (name, "all")
    run("openssl", "verify", "-CAfile", "ca.crt", "-verify_hostname", host, f"{host}/server.crt")
    assert not (tmp_path / host / "ca.key").exists()
    assert all(key.stat().st_mode & 0o077 == 0 for key in tmp_path.rglob("*.key"))
