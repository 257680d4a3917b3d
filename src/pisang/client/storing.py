"""`[store]` of the settings: where ledger and images are kept, and which keys lead there.

Keys stand in variables, in the files that Amazon's tools share, or in the machine's role; never in
`config.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pisang.client.config_checks import check_reference
from pisang.client.config_gateway import read_variable
from pisang.client.schema import Table
from pisang.client.settings import Settings, Storing, Variable
from pisang.domain.secret import Secret
from pisang.errors import OptionInvalid, SettingsMalformed
from pisang.store.storage import CACHE_BYTES, Bucket, Storage, at_endpoint, parse_bucket

VARIABLE = "PISANG_IMAGES"
LEDGER_VARIABLE = "PISANG_LEDGER"


def read_storing(top: Table) -> Storing:
    """The table `[store]`. Raises `SettingsMalformed`."""
    table = top.table("store")
    if table is None:
        return Storing()
    storing = Storing(
        ledger=_read_ledger(table),
        images=table.checked("images", parse_bucket, shown=False),
        endpoint=table.checked("endpoint", check_endpoint, shown=False),
        region=table.text("region"),
        path_style=table.boolean("path_style"),
        access_key_id=read_variable(table, "access_key_id"),
        secret_access_key=read_variable(table, "secret_access_key"),
        cache_mb=table.integer("cache_mb", least=100),
    )
    table.done()
    return storing


def check_ledger(text: str) -> Secret:
    """A PostgreSQL database's URL, which may hold a password; `ValueError`, which repeats nothing
    of it, for anything else."""
    if not text.strip().startswith(("postgresql://", "postgres://")):
        raise ValueError("write it as postgresql://user:password@host:port/database")
    return Secret(text.strip())


def _read_ledger(table: Table) -> Secret | Variable | None:
    def check(text: str) -> Secret | Variable:
        if text.startswith("${"):
            return Variable(check_reference(text), table.place("ledger"))
        return check_ledger(text)

    return table.checked("ledger", check, shown=False)


def check_endpoint(text: str) -> str:
    """A service's address; `ValueError` for what is none."""
    return at_endpoint(Bucket("any"), text).endpoint or ""


def storage_of(settings: Settings) -> Storage:
    """Where everything is kept. Raises `OptionInvalid` and `SettingsMalformed`.

    First what `PISANG_LEDGER` and `PISANG_IMAGES` say, then `[store]`. Of what leads to the bucket:
    `[store]`, then `AWS_*`, then the profile of Amazon's shared files.
    """
    ledger = ledger_of(settings)
    storing, environ = settings.storing, settings.environ
    bucket = _named(environ) or storing.images
    if bucket is None:
        return Storage(ledger=ledger)
    profile = _profile(environ)
    region = storing.region or _first(environ, "AWS_REGION", "AWS_DEFAULT_REGION")
    endpoint = (
        storing.endpoint
        or _endpoint(_first(environ, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"))
        or _endpoint(profile.get("endpoint_url"))
    )
    found = replace(
        bucket,
        endpoint=endpoint,
        region=region or profile.get("region") or bucket.region,
        path_style=bool(endpoint) if storing.path_style is None else storing.path_style,
        ca_file=_first(environ, "AWS_CA_BUNDLE", "SSL_CERT_FILE"),
        cache_bytes=storing.cache_mb * 1_000_000 if storing.cache_mb else CACHE_BYTES,
    )
    return Storage(images=_keyed(found, settings, profile), ledger=ledger)


def ledger_of(settings: Settings) -> Secret | None:
    """The URL of the database that keeps the ledger; None: a file of the home does. Raises
    `OptionInvalid` and `SettingsMalformed`."""
    text = settings.environ.get(LEDGER_VARIABLE)
    if text:
        try:
            return check_ledger(text)
        except ValueError as error:
            raise OptionInvalid(option=LEDGER_VARIABLE, value="…", why=str(error)) from None
    found = settings.storing.ledger
    if not isinstance(found, Variable):
        return found
    told = found.read(settings.environ, settings.path).reveal()
    try:
        return check_ledger(told)
    except ValueError as error:
        why = f"`{found.where}`: {error}"
        raise SettingsMalformed(path=str(settings.path), why=why) from None


def _named(environ: Mapping[str, str]) -> Bucket | None:
    text = environ.get(VARIABLE)
    if not text:
        return None
    try:
        return parse_bucket(text)
    except ValueError as error:
        raise OptionInvalid(option=VARIABLE, value="…", why=str(error)) from None


def _endpoint(text: str | None) -> str | None:
    if not text:
        return None
    try:
        return check_endpoint(text)
    except ValueError as error:
        raise OptionInvalid(option="AWS_ENDPOINT_URL", value="…", why=str(error)) from None


def _keyed(bucket: Bucket, settings: Settings, profile: Mapping[str, str]) -> Bucket:
    """The bucket with the first pair of keys that is there; without one, the role is asked."""
    storing, environ = settings.storing, settings.environ
    if storing.access_key_id and storing.secret_access_key:
        return replace(
            bucket,
            access_key_id=storing.access_key_id.read(environ, settings.path),
            secret_access_key=storing.secret_access_key.read(environ, settings.path),
        )
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    for source in ({one.lower(): text for one, text in environ.items()}, profile):
        key_id, secret, token = (source.get(one) for one in names)
        if key_id and secret:
            return replace(
                bucket,
                access_key_id=Secret(key_id),
                secret_access_key=Secret(secret),
                session_token=Secret(token) if token else None,
            )
    return bucket


def _profile(environ: Mapping[str, str]) -> dict[str, str]:
    """What the files that Amazon's tools share say of the chosen profile; one that can't be read
    says nothing."""
    from configparser import ConfigParser, Error

    name = environ.get("AWS_PROFILE") or "default"
    home = Path(environ.get("HOME") or "~").expanduser() / ".aws"
    config = Path(environ.get("AWS_CONFIG_FILE") or home / "config")
    shared = Path(environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials")
    sections = (
        (config, name if name == "default" else " ".join(("profile", name))),
        (shared, name),
    )
    found: dict[str, str] = {}
    for path, section in sections:
        parser = ConfigParser(interpolation=None)
        try:
            parser.read(path, encoding="utf-8")
        except (OSError, Error, UnicodeDecodeError):
            continue
        if parser.has_section(section):
            found.update(parser[section])
    return found


def _first(environ: Mapping[str, str], *names: str) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)
