"""Requests that do not come from our own page are refused, and no name leads out of the runs folder."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from conftest import small
from flask import Flask

from explorer.app import PAGES, create_app
from explorer.web import security
from mtm.runs import Run

HERE = "localhost"  # what Flask's client calls the server
POSTS = (
    "/_dash-update-component", "/api/train/check", "/api/train/start", "/api/jobs/stop", "/api/jobs/resume",
    "/api/jobs/remove", "/api/cancel", "/nowhere",
)  # fmt: skip
GETS = (
    "/",
    "/train",
    "/_dash-layout",
    "/_dash-dependencies",
    "/assets/explorer.css",
    "/api/jobs",
    "/api/train",
    "/nowhere",
)
OUTSIDE = (
    "..", "../..", "../secret", "..%2fsecret", "%2e%2e/secret", "%2e%2e%2fsecret", "..\\secret", "..%5csecret", "/",
    "/etc", "./own", "own/", "own/../own", "own/../../secret", "demo/../../secret", "demo/../own", "own\0", "", ".",
    "....//secret", "~", "C:\\secret", "file:///etc/passwd",
)  # fmt: skip
SECRET = "what-only-the-user-may-read"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def runs(home: Path) -> Path:
    """A runs folder with a run, and beside it a secret that looks like one."""
    Run.create(home / "runs" / "own", small()).finish("stopped")
    for name in ("secret", "elsewhere"):
        secret = Run.create(home / name, small(), notes={"secret": SECRET})
        (secret.folder / "log.txt").write_text(SECRET)
    return home / "runs"


@pytest.fixture(scope="module")
def app(runs: Path, home: Path) -> Flask:
    server: Flask = create_app(runs, home / "demo", home / "cache", data_root=home / "data").server
    return server


@pytest.fixture
def guarded() -> Callable[..., Any]:
    """A client of a server with one page that is guarded with these options."""

    def make(**options: Any) -> Any:
        server = Flask(__name__)
        security.register(server, **options)
        server.add_url_rule("/", view_func=lambda: "in", methods=["GET", "POST"])
        return server.test_client()

    return make


# Where a request comes from


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},  # another program of this machine
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Referer": "https://evil.example/page"},
        {"Origin": f"http://{HERE}", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_cross_site_post_is_refused(app: Flask, path: str, headers: dict[str, str]) -> None:
    answer = app.test_client().post(path, json={"run": "own", "values": {}}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text


@pytest.mark.parametrize("path", [*GETS, *POSTS])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8050", "localhost.evil.example", "127.0.0.1.nip.io", "192.168.1.7", "",
     "user@localhost", "localhost/evil", "localhost:x", "[::1", "169.254.169.254"],
)  # fmt: skip
def test_a_foreign_host_is_refused(app: Flask, path: str, host: str) -> None:
    send = app.test_client().post if path in POSTS else app.test_client().get
    assert send(path, headers={"Host": host}).status_code == 403


def test_a_stranger_s_post_changes_nothing(app: Flask, runs: Path) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        app.test_client().post("/api/jobs/remove", json={"run": "own"}, headers=headers)
        app.test_client().post("/api/train/start", json={"values": {}, "name": "planted"}, headers=headers)
    assert [path.name for path in runs.iterdir()] == ["own"]


@pytest.mark.parametrize("host", ["localhost", "localhost:8050", "127.0.0.1:9999", "[::1]:8050", "LOCALHOST"])
def test_our_own_page_may_ask_for_everything(app: Flask, host: str) -> None:
    client = app.test_client()
    own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    assert client.get("/", headers={"Host": host}).status_code == 200
    assert client.post("/api/train/check", json={"values": {"dim": "0"}}, headers=own).status_code == 200
    assert client.get("/api/jobs", headers=own).status_code == 200


def test_a_link_on_another_page_may_lead_here_but_not_embed_us(guarded: Callable[..., Any]) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Referer": "https://docs.example/"}
    assert guarded().get("/", headers=link | {"Sec-Fetch-Dest": "document"}).status_code == 200
    for dest in ("iframe", "image", "script", "empty", "object"):
        assert guarded().get("/", headers=link | {"Sec-Fetch-Dest": dest}).status_code == 403
    assert guarded().get("/").headers["X-Frame-Options"] == "DENY"


VISITS = (
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},  # a link, a refresh
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "document", "Referer": "http://localhost:3000/"},
    {"Referer": "https://docs.example/page"},  # from an older browser
)
NO_VISITS = (
    {"Sec-Purpose": "prefetch;prerender"},
    {"Purpose": "prefetch"},
    {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Dest": "script"},
    {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"},
    {"Sec-Fetch-Dest": "websocket", "Sec-Fetch-Mode": "websocket", "Upgrade": "websocket", "Connection": "Upgrade"},
    {"Origin": "https://docs.example"},
)


@pytest.mark.parametrize("headers", VISITS)
def test_visits_from_other_sites_reach_pages_and_nothing_else(app: Flask, headers: dict[str, str]) -> None:
    client, pages = app.test_client(), [page.PATH for page in PAGES]
    for path in pages:
        assert client.get(f"{path}?run=own", headers=headers).status_code == 200
        assert client.post(path, headers=headers).status_code in (403, 405)
        for more in NO_VISITS:
            assert client.get(path, headers={**headers, **more}).status_code == 403, more
    others = [rule.rule for rule in app.url_map.iter_rules() if rule.rule not in pages]
    assert len(others) > 40
    for path in [*others, "/assets/explorer.css", "/api/export/../", "/train/", "/nowhere"]:
        answer = client.get(re.sub("<.*?>", "x", path), headers=headers)
        assert answer.status_code in (403, 405), path
        assert "another site" in answer.text or answer.status_code == 405


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_plain_form_can_send_is_no_request_of_ours(app: Flask, runs: Path, kind: str) -> None:
    for path in ("/api/jobs/remove", "/api/train/start"):
        answer = app.test_client().post(path, data=json.dumps({"run": "own", "values": {}}), content_type=kind)
        assert answer.status_code == 400
    assert [path.name for path in runs.iterdir()] == ["own"]


# Beyond this machine


def test_a_token_is_asked_for_and_kept_as_a_cookie(guarded: Callable[..., Any]) -> None:
    token = security.new_token()
    assert len(token) >= 32
    client = guarded(token=token, host="0.0.0.0")
    response = client.get("/", headers={"Accept": "text/html"})
    assert response.status_code == 403
    assert 'name="token"' in response.text
    assert token not in response.text
    for wrong in ("", "wrong", token[:-1], f"{token}x", "ü"):
        assert client.get("/", query_string={"token": wrong}).status_code == 403
    assert client.post("/").status_code == 403
    redirected = client.get("/", query_string={"token": token, "run": "a b"})
    assert redirected.status_code == 302
    assert redirected.headers["Location"] == "/?run=a+b"  # the token is no longer in the address
    assert re.search(r"HttpOnly.*SameSite=Lax", redirected.headers["Set-Cookie"])
    assert client.get("/").text == "in"
    assert client.post("/", headers={"Origin": "http://localhost"}).text == "in"
    assert client.post("/", headers={"Origin": "https://evil.example"}).status_code == 403


def test_the_way_in_leads_to_our_own_pages_only(guarded: Callable[..., Any]) -> None:
    client = guarded(token="t", host="0.0.0.0")
    assert client.get("//evil.example/?token=t").headers.get("Location", "/").startswith("/")
    assert not client.get("//evil.example/?token=t").headers.get("Location", "/").startswith("//")


def test_with_a_token_numbers_and_the_given_name_are_ours_and_other_names_are_not(guarded: Callable[..., Any]) -> None:
    client = guarded(token="t", host="gpu.lab")
    client.get("/", query_string={"token": "t"})
    for host, expected in {
        "10.0.0.5:8050": 302,
        "[fe80::1]:8050": 302,
        "gpu.lab:8050": 302,
        "evil.example": 403,
    }.items():
        assert client.get("/", query_string={"token": "t"}, headers={"Host": host}).status_code == expected


def test_only_loopback_s_names_are_loopback() -> None:
    assert all(security.is_loopback(host) for host in ("127.0.0.1", "localhost", "::1"))
    assert not any(security.is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.7", "gpu.lab", ""))


# Names that lead elsewhere


def routes_with_names(app: Flask) -> list[tuple[str, str]]:
    """Every route of ours with the method that it takes."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")]
    return [(rule.rule, "POST" if "POST" in (rule.methods or ()) else "GET") for rule in rules]


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_route_follows_a_name_out_of_the_runs_folder(app: Flask, home: Path, name: str) -> None:
    before = sorted(path for path in home.rglob("*") if "cache" not in path.parts)
    client, more = app.test_client(), {"view": "pca", "classifier": "euc_ce", "mode": "best", "n": "1"}
    nameless = [
        f"/api/{name}" for name in ("train", "jobs", "lab", "searches", "report", "export/progress", "export/stop")
    ]
    routes = [(path, method) for path, method in routes_with_names(app) if path not in nameless]
    assert len(routes) >= 15
    for path, method in routes:
        route, path = path, re.sub("<.*?>", quote(name or "..", safe=""), path)
        if method == "GET":
            answer = client.get(path, query_string={"run": name, "name": name, "search": name, **more})
        else:
            body: dict[str, Any] = {
                "run": name,
                "name": name or "..",
                "values": {"dataset": name or "..", "weights": name or ".."},
            }
            body |= {"in_run": {"run": name}, "losses": [{"name": "euclidean"}]}
            answer = client.post(path, json=body, query_string={"run": name, **more})
        assert SECRET not in answer.text, path
        refused = answer.status_code in (400, 404) or "problems" in (answer.get_json(silent=True) or {})
        refused = refused or (
            path != route and "<title>Moving targets</title>" in answer.text
        )  # no such route: the app itself
        assert refused, (path, answer.status_code, answer.text[:200])
    assert sorted(path for path in home.rglob("*") if "cache" not in path.parts) == before


@pytest.mark.parametrize("path", ["/assets/", "/_dash-component-suites/dash/", "/", "/api/"])
@pytest.mark.parametrize("up", ["..", "%2e%2e", "..%2f..", "%2e%2e%2f%2e%2e", "..%5c..", "%252e%252e", "....//"])
def test_no_file_outside_is_served(app: Flask, path: str, up: str) -> None:
    for depth in (1, 3, 6):
        for file in ("pyproject.toml", "secret/log.txt", "etc/passwd"):
            answer = app.test_client().get(path + f"{up}/" * depth + file)
            assert "root:" not in answer.text
            assert "[build-system]" not in answer.text
            assert SECRET not in answer.text


@pytest.mark.parametrize("name", ["..", "../../etc", "/etc", "data/../../secret", "elsewhere", "a\0b"])
@pytest.mark.parametrize("field", ["dataset", "weights"])
def test_the_form_opens_no_file_outside_the_data_folder(app: Flask, home: Path, field: str, name: str) -> None:
    for value in (name, str(home / "data" / ".." / name), str(home / name)):
        answer = app.test_client().post("/api/train/start", json={"values": {field: value}})
        assert list(answer.get_json()["problems"]) == [field]


def test_a_link_out_of_the_data_folder_is_not_followed(app: Flask, home: Path) -> None:
    (home / "data").mkdir()
    (home / "data" / "link").symlink_to(home / "secret")
    values = {"dataset": str(home / "data" / "link")}
    assert "dataset" in app.test_client().post("/api/train/check", json={"values": values}).get_json()["problems"]


@pytest.mark.parametrize(
    "values",
    [{"loss": "os:system"}, {"loss": "subprocess:Popen"}, {"loss_args": "a"}, {"backbone": "os.system"},
     {"data_root": "/"}, {"__class__": "x"}, {"backbone": "$(touch x)"}, {"device": "cuda:0; touch x"}],
)  # fmt: skip
def test_nothing_of_the_browser_s_naming_is_run(app: Flask, runs: Path, values: dict[str, str]) -> None:
    answer = app.test_client().post("/api/train/start", json={"values": values, "name": "planted"}).get_json()
    assert answer["problems"]
    assert not (runs / "planted").exists()


@pytest.mark.parametrize(
    "body", [[], "x", None, {"values": []}, {"values": {"dim": [1]}}, {"values": {"dim": "9" * 1000}}]
)
def test_a_body_that_is_not_the_form_s_is_refused(app: Flask, body: object) -> None:
    answer = app.test_client().post("/api/train/start", json=body)
    assert answer.status_code == 400
    assert answer.get_json()["error"]
