"""The layers of settings put together: flags > environment > folder > home (DESIGN §9)."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from pisang.client.config import parse_config, parse_folder
from pisang.client.files import reason_of
from pisang.client.language import language_of
from pisang.client.schema import read_text, seconds
from pisang.client.settings import FOLDER_FILE, HOME_FILE, Defaults, Settings
from pisang.domain.money import parse_money
from pisang.errors import HomeUnusable, OptionInvalid

_T = TypeVar("_T")


def load_settings(
    *,
    home: Path | None = None,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read all settings. Raises `SettingsMalformed`, `OptionInvalid` or `HomeUnusable`."""
    env = os.environ if environ is None else environ
    where = (home or home_folder(env)).absolute()
    here = folder or current_folder()
    _check_home(where)
    config = parse_config(read_text(where / HOME_FILE) or "", where / HOME_FILE)
    local = parse_folder(read_text(here / FOLDER_FILE) or "", here / FOLDER_FILE)
    return Settings(
        home=where,
        folder=here,
        environ=env,
        defaults=read_environ(env).over(local).over(config.defaults),
        language=language_of(env, config.language),
        currency=config.currency,
        rates=config.rates,
        budgets=config.budgets,
        upstreams=config.upstreams,
        storing=config.storing,
        retention=config.retention,
        serving=config.serving,
        keys=config.keys,
        teams=config.teams,
    )


def _check_home(home: Path) -> None:
    """Raises `HomeUnusable` where something that is no folder stands in its place."""
    try:
        is_folder = stat.S_ISDIR(home.stat().st_mode)
    except FileNotFoundError:
        return
    except OSError as error:
        raise HomeUnusable(path=str(home), why=reason_of(error)) from error
    if not is_folder:
        raise HomeUnusable(path=str(home), why="there is a file in its place")


def home_folder(environ: Mapping[str, str]) -> Path:
    """`PISANG_HOME`, else `~/.pisang`, absolute. Raises `HomeUnusable`."""
    named = environ.get("PISANG_HOME") or "~/.pisang"
    try:
        return Path(named).expanduser().absolute()
    except (RuntimeError, OSError) as error:
        raise HomeUnusable(path=named, why="there is no home folder; set PISANG_HOME") from error


def current_folder() -> Path:
    """Where the user stands. Raises `HomeUnusable` when that folder was removed under him."""
    try:
        return Path.cwd()
    except OSError as error:
        raise HomeUnusable(path=".", why="the current folder is gone") from error


def read_environ(environ: Mapping[str, str]) -> Defaults:
    """What `PISANG_*` variables say about a wish. Raises `OptionInvalid` naming the variable."""
    return Defaults(
        upstream=environ.get("PISANG_UPSTREAM") or None,
        model=environ.get("PISANG_MODEL") or None,
        aspect_ratio=environ.get("PISANG_ASPECT_RATIO") or None,
        image_size=environ.get("PISANG_IMAGE_SIZE") or None,
        out=environ.get("PISANG_OUT") or None,
        max_cost=_checked(environ, "PISANG_MAX_COST", parse_money),
        timeout_s=_checked(environ, "PISANG_TIMEOUT", seconds),
    )


def _checked(environ: Mapping[str, str], name: str, check: Callable[[str], _T]) -> _T | None:
    value = environ.get(name)
    if not value:
        return None
    try:
        return check(value)
    except ValueError as error:
        raise OptionInvalid(option=name, value=value, why=str(error)) from error
