"""A page of another site starts nothing on the graph."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from orchestrator.services.graph_server import SameOriginOnly

LAUNCH = "mutation{launchRun}"


@pytest.fixture
def graph() -> TestClient:
    def ran(_: Request) -> PlainTextResponse:
        return PlainTextResponse("ran")

    methods = ["GET", "POST"]
    app = Starlette(routes=[Route("/graphql", ran, methods=methods), Route("/", ran)])
    return TestClient(SameOriginOnly(app, ["graph.example"]), base_url="http://127.0.0.1:3000")


@pytest.mark.parametrize("name", ["query", "%71uery", "operationName"])
def test_a_query_in_an_address_runs_nothing(graph: TestClient, name: str) -> None:
    """An <img> of any site started a run by GET /graphql?query=mutation{...}."""
    assert graph.get(f"/graphql?{name}={LAUNCH}").status_code == 403
    assert graph.get(f"/graphql/?a=1&{name}={LAUNCH}").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8378"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_sends_nothing(graph: TestClient, headers: dict[str, str]) -> None:
    """A form or script of another site, or of another port, started runs and switched sensors."""
    assert graph.post("/graphql", headers=headers).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:3000", ""])
def test_a_name_that_is_not_ours_is_refused(graph: TestClient, host: str) -> None:
    """A name that is bound again to this machine made another site's page the same origin."""
    assert graph.get("/", headers={"Host": host}).status_code == 403


def test_its_own_pages_and_our_programs_are_answered(graph: TestClient) -> None:
    own = {"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "same-origin"}
    assert graph.post("/graphql", headers=own).text == "ran"
    assert graph.post("/graphql").text == "ran"
    named = {"Host": "graph.example", "Origin": "https://graph.example"}
    assert graph.post("/graphql", headers=named).text == "ran"


def test_no_page_frames_it(graph: TestClient) -> None:
    """A frame under another page's button made an operator press ours."""
    headers = graph.get("/").headers
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
