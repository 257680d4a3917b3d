"""What can be set, as values: `config` reads them from files, `loading` lays them over another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from pathlib import Path

from pisang.client.naming import DEFAULT_TEMPLATE
from pisang.domain.ledger import Budget
from pisang.domain.money import Money
from pisang.domain.retention import Retention
from pisang.domain.secret import Secret
from pisang.domain.upstream import Auth, Limits, Quirks
from pisang.errors import Language, SettingsMalformed
from pisang.store.storage import Bucket

HOME_FILE = "config.toml"
FOLDER_FILE = "pisang.toml"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a wish is filled up with; None where nobody said. `style` goes before each prompt."""

    upstream: str | None = None
    model: str | None = None
    aspect_ratio: str | None = None
    image_size: str | None = None
    style: str | None = None
    out: str | None = None
    naming: str | None = None
    max_cost: Money | None = None
    timeout_s: float | None = None

    def over(self, lower: Defaults) -> Defaults:
        """These, and where these say nothing, the lower ones."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        return replace(lower, **{name: value for name, value in said.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Entry:
    """One upstream as its user wrote it down; what is None comes from its preset.

    A gateway asks upstreams of a lower `priority` first, and among equals one of twice the
    `weight` twice as often; it takes turns with the keys in `more_key_envs`. `prices` are its
    user's own; `published` are those that it told itself on `published_on`.
    """

    name: str
    preset: str | None = None
    network: str | None = None
    wire: str | None = None
    base_url: str | None = None
    auth: Auth | None = None
    kind: str | None = None
    key_env: str | None = None
    more_key_envs: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    default_model: str | None = None
    default_aspect_ratio: str | None = None
    default_image_size: str | None = None
    proxy: str | None = field(default=None, repr=False)
    priority: int | None = None
    weight: int | None = None
    limits: Limits | None = None
    quirks: Quirks | None = None
    prices: Mapping[str, Money] = field(default_factory=dict)
    published: Mapping[str, Money] = field(default_factory=dict)
    published_on: str | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """A secret that stands in the environment: `${name}` in the settings. `where` is the setting
    that names it."""

    name: str
    where: str

    def read(self, environ: Mapping[str, str], path: Path) -> Secret:
        """What it holds. Raises `SettingsMalformed` where it is not set."""
        value = environ.get(self.name, "").strip()
        if not value:
            why = f"`{self.where}`: the variable {self.name} is not set"
            raise SettingsMalformed(path=str(path), why=why)
        return Secret(value)

    def secret(self, settings: Settings, check: Callable[[Secret], Secret]) -> Secret:
        """What it holds, checked (`ValueError` says what is wrong, and repeats nothing). Raises
        `SettingsMalformed` where it is not set, or is not that."""
        try:
            return check(self.read(settings.environ, settings.path))
        except ValueError as error:
            why = f"`{self.where}`: the variable {self.name}: {error}"
            raise SettingsMalformed(path=str(settings.path), why=why) from None


@dataclass(frozen=True, slots=True)
class HookEntry:
    """Where somebody wants to be told, as the settings say it: an address may be a right."""

    url: str = field(repr=False)
    secret: Variable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamEntry:
    """A team that the settings declare. `caps` are its budgets by period."""

    name: str
    caps: Mapping[str, Money] = field(default_factory=dict)
    time_zone: str | None = None
    webhook: HookEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """A key of a gateway's caller that the settings declare. Its text stands in the environment."""

    name: str
    text: Variable
    role: str = "use"
    team: str | None = None
    models: tuple[str, ...] = ()
    max_size: str | None = None
    rpm: int | None = None
    concurrency: int | None = None
    expires_ms: int | None = None
    caps: Mapping[str, Money] = field(default_factory=dict)
    time_zone: str | None = None
    webhook: HookEntry | None = None


@dataclass(frozen=True, slots=True)
class Serving:
    """How `pisang serve` serves.

    A client that waits hears a line break after `keepalive_s`, and each third of that from then on.
    Pages of `cors_origins` may call it; `public_url` is where callers find it; `webhook_hosts` may
    be told things though they are in our own network; webhooks are signed with `webhook_secret`
    where whoever wants them gave none; `alerts` is who hears of budgets.
    """

    keepalive_s: float = 45.0
    cors_origins: tuple[str, ...] = ()
    public_url: str | None = None
    webhook_hosts: tuple[str, ...] = ()
    webhook_secret: Variable | None = None
    alerts: HookEntry | None = None


@dataclass(frozen=True, slots=True)
class Storing:
    """Where ledger and images are to be kept, and how to get there; None where nobody said."""

    ledger: Secret | Variable | None = None
    images: Bucket | None = None
    endpoint: str | None = None
    region: str | None = None
    path_style: bool | None = None
    access_key_id: Variable | None = None
    secret_access_key: Variable | None = None
    cache_mb: int | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is set, read once. A `proxy` may hold a password: none of this is printed.

    `budgets` are all the caps of the home; None leaves those that it has.
    """

    home: Path
    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    defaults: Defaults = Defaults()
    language: Language = "en"
    currency: str = "USD"
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    budgets: tuple[Budget, ...] | None = None
    upstreams: Mapping[str, Entry] = field(default_factory=dict, repr=False)
    retention: Retention = field(default_factory=Retention)
    serving: Serving = Serving()
    keys: Mapping[str, KeyEntry] = field(default_factory=dict, repr=False)
    teams: Mapping[str, TeamEntry] = field(default_factory=dict, repr=False)
    storing: Storing = field(default_factory=Storing)

    @property
    def path(self) -> Path:
        """Where the home's settings stand."""
        return self.home / HOME_FILE

    @property
    def naming(self) -> str:
        """The template of output file names."""
        return self.defaults.naming or DEFAULT_TEMPLATE
