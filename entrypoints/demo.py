"""`make demo`: a first workflow over HTTP, on a server of its own or the one at ORBITER_URL."""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx2
from rich.console import Console
from rich.table import Table

API: Final = "/api/v1"
SERVICE_PORT: Final = 8099
START_SECONDS: Final = 60
CITIES: Final = {"Oslo": 4, "Lisbon": 19, "Nairobi": 26}
LINES: Final = "{{ nodes.cities.output }}"
console = Console()


class Weather(BaseHTTPRequestHandler):
    """A small weather service: `GET /weather` tells each city's temperature."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with every city."""
        cities = [{"name": name, "celsius": celsius} for name, celsius in CITIES.items()]
        body = json.dumps({"cities": cities}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def weather_service(port: int) -> Iterator[str]:
    """Serve the weather on a loopback port and give its address."""
    service = ThreadingHTTPServer(("127.0.0.1", port), Weather)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{service.server_port}/weather"
    finally:
        service.shutdown()


@contextmanager
def orbiter(service: str) -> Iterator[str]:
    """Give the address at ORBITER_URL, or start a server that may reach *service*."""
    if url := os.environ.get("ORBITER_URL"):
        yield url
        return
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="orbiter-demo-") as folder:
        settings = {
            "ORBITER_PORT": str(port),
            "ORBITER_DATA_DIR": folder,
            "ORBITER_EGRESS_ALLOW": service.removeprefix("http://").partition("/")[0],
            "ORBITER_LOG": "console:warning",
        }
        command = [str(Path(sys.executable).parent / "orbiter"), "serve"]
        server = subprocess.Popen(
            command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url, server)
            yield url
        finally:
            server.terminate()
            server.wait(15)


def canvas(service: str) -> dict[str, Any]:
    """Return a graph that asks the service, loops over its answer and takes a branch."""
    line = "{{ item.name }}: {{ item.celsius }} °C"
    warm = {"handle": "warm", "when": "nodes.weather.output.body.cities[0].celsius >= 15"}
    nodes = [
        _node("start", "start"),
        _node("weather", "http", {"url": service}),
        _node("cities", "loop", {"items": "nodes.weather.output.body.cities", "concurrency": 3}),
        {**_node("line", "template", {"template": line}), "parent_id": "cities"},
        _node("pick", "condition", {"cases": [warm], "else": "cold"}),
        _node("light", "template", {"template": "{{ inputs.name }}, a shirt will do."}),
        _node("coat", "template", {"template": "{{ inputs.name }}, take a coat."}),
        _node("join", "merge", {"join": "any"}),
        _node("end", "end", {"output": {"advice": "{{ nodes.join.output }}", "weather": LINES}}),
    ]
    edges = [
        _edge("start", "weather"),
        _edge("weather", "cities"),
        _edge("cities", "pick"),
        _edge("pick", "light", "warm"),
        _edge("pick", "coat", "cold"),
        _edge("light", "join"),
        _edge("coat", "join"),
        _edge("join", "end"),
    ]
    return {"nodes": nodes, "edges": edges}


@contextmanager
def signed_in(url: str) -> Iterator[httpx2.Client]:
    """Register, log in, and give a client with the session and its CSRF token."""
    account = {"email": f"ada-{secrets.token_hex(4)}@example.org", "password": secrets.token_hex(9)}
    with httpx2.Client(base_url=url, timeout=30, trust_env=False) as client:
        _sent(client, "POST", "/auth/register", account)
        _sent(client, "POST", "/auth/login", account)
        client.headers["X-CSRF-Token"] = _sent(client, "GET", "/auth/csrf")["token"]
        yield client


def ran(client: httpx2.Client, service: str) -> dict[str, Any]:
    """Build the workflow, run it, and return the run with its trace."""
    project = _sent(client, "POST", "/projects", {"name": "Travel"})
    flow = {"project_id": project["id"], "name": "What to wear", "canvas": canvas(service)}
    workflow = _sent(client, "POST", "/workflows", flow)
    console.print(f"Workflow [bold]{workflow['name']}[/], valid: {workflow['valid']}")
    path = f"/workflows/{workflow['id']}/run?wait=20"
    run = _sent(client, "POST", path, {"inputs": {"name": "Ada"}})
    ended: dict[str, Any] = _sent(client, "GET", f"/runs/{run['id']}")
    return ended


def show(run: dict[str, Any]) -> None:
    """Print the trace as a table."""
    table = Table("step", "node", "status", "ms", "output", title=f"Run {run['id']}")
    for number, step in enumerate(run["steps"], 1):
        name = step["node_id"]
        if step["iteration"] is not None:
            name = f"  {name} [{step['iteration']}]"
        told = step["error"] or step["output"]
        text = json.dumps(told, ensure_ascii=False)
        short = text if len(text) <= 60 else f"{text[:59]}…"
        duration = "" if step["duration_ms"] is None else str(step["duration_ms"])
        table.add_row(str(number), name, step["status"], duration, short)
    console.print(table)
    console.print(f"[bold]{run['status']}[/] in {run['duration_ms']} ms")
    console.print_json(data=run["error"] or run["output"])


def main() -> int:
    """Show the demo; return 1 when the run failed."""
    with weather_service(SERVICE_PORT if "ORBITER_URL" in os.environ else 0) as service:
        with orbiter(service) as url:
            console.print(f"Orbiter: [bold]{url}[/]\nA weather service: [bold]{service}[/]")
            with signed_in(url) as client:
                run = ran(client, service)
    show(run)
    if (run["error"] or {}).get("code") == "EGRESS_DENIED":
        console.print(f"Start the server with ORBITER_EGRESS_ALLOW=127.0.0.1:{SERVICE_PORT}.")
    return 0 if run["status"] == "completed" else 1


def _sent(client: httpx2.Client, method: str, path: str, body: Any = None) -> Any:
    answer = client.request(method, f"{API}{path}", json=body)
    if answer.status_code >= 400:
        raise SystemExit(f"{method} {path} answered {answer.status_code}: {answer.text}")
    return answer.json()


def _node(id: str, type: str, config: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"id": id, "type": type, "config": config or {}}


def _edge(source: str, target: str, handle: str = "output") -> dict[str, Any]:
    ends = {"source": source, "source_handle": handle, "target": target}
    return {"id": f"{source}-{target}", **ends}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(url: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx2.get(f"{url}/health/ready", trust_env=False).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.1)
    raise SystemExit("The server did not come up")


if __name__ == "__main__":
    raise SystemExit(main())
