"""The management API as it describes itself, asked at random by an administrator: S11."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import requests

from tests.gateway.conftest import run
from tests.gateway.managing import managed

ENDLESS = ("/pisang/v1/events",)


def test_no_call_that_fits_the_description_or_does_not_makes_the_gateway_fail(
    tmp_path: Path,
) -> None:
    """Every answer is as described, and none is a 5xx."""
    seconds = 60 if os.environ.get("PISANG_CRASH") == "long" else 12
    checks = (
        "not_a_server_error", "status_code_conformance", "content_type_conformance",
        "response_schema_conformance",
    )  # fmt: skip
    with managed(tmp_path) as stage:
        words = ("key", "create", "--name", "fuzz", "--role", "admin", "--format", "json")
        key = json.loads(run(stage.home, *words).stdout)["key"]
        described = requests.get(f"{stage.url}/openapi.json", timeout=30).json()
        endless = [word for path in ENDLESS for word in ("--exclude-path", path)]
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "run", f"{stage.url}/openapi.json",
                "--header", f"Authorization: Bearer {key}",
                "--checks", ",".join(checks), "--max-time", str(seconds), *endless,
                "--suppress-health-check", "all", "--generation-database", "none", "--no-color",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=seconds + 60,
            check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    operations = sum(len(methods) for methods in described["paths"].values())
    assert f"Selected: {operations - len(ENDLESS)}/{operations}" in done.stdout, done.stdout
