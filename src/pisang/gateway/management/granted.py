"""The JSON of keys, teams and upstreams as types: what an administrator says and is told."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from pisang.gateway.management.shapes import Asked, HookWish, Problem, Sum

PeriodName = Literal["day", "month", "total"]
RoleName = Literal["read", "use", "admin"]

Amount = Annotated[str, Field(max_length=40, examples=["50USD"])]
Short = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=1, le=10**9)]


class KeyWish(Asked):
    """A key that is to be made; what is left out is not limited."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    role: RoleName = "use"
    team: Annotated[str | None, Field(max_length=80)] = None
    models: Annotated[list[Short], Field(default_factory=list, max_length=100)]
    max_size: Annotated[str | None, Field(max_length=20, examples=["2K"])] = None
    rpm: Count | None = None
    concurrency: Count | None = None
    expires: Annotated[str | None, Field(max_length=40, examples=["90d"])] = None
    budgets: Annotated[
        dict[PeriodName, Amount], Field(default_factory=dict, description="A cap by period.")
    ]
    time_zone: Annotated[str | None, Field(max_length=80, examples=["Asia/Shanghai"])] = None
    webhook: HookWish | None = None


class KeyChange(Asked):
    """What is to be otherwise: what is left out stays, null takes a limit away."""

    name: Annotated[str, Field(min_length=1, max_length=80)] = ""
    role: RoleName = "use"
    team: Annotated[str | None, Field(max_length=80)] = None
    models: Annotated[list[Short] | None, Field(max_length=100)] = None
    max_size: Annotated[str | None, Field(max_length=20)] = None
    rpm: Count | None = None
    concurrency: Count | None = None
    expires: Annotated[str | None, Field(max_length=40)] = None
    budgets: Annotated[dict[PeriodName, Amount | None], Field(default_factory=dict)]
    time_zone: Annotated[str | None, Field(max_length=80)] = None
    webhook: HookWish | None = None


class TeamWish(Asked):
    """What a team's keys may spend together, and who is told of those that tell nobody."""

    budgets: Annotated[dict[PeriodName, Amount], Field(default_factory=dict)]
    time_zone: Annotated[str | None, Field(max_length=80)] = None
    webhook: HookWish | None = None


class LimitsWish(Asked):
    """How fast an upstream may be asked."""

    concurrency: Count | None = None
    interval_ms: Annotated[int | None, Field(ge=0, le=10**9)] = None
    rpm: Count | None = None


class UpstreamWish(Asked):
    """An upstream, as the settings say it. A key is kept, and never told again but for its end."""

    preset: Short | None = None
    network: Short | None = None
    wire: Literal["gemini", "crawl", "openai-images", "openai-chat"] | None = None
    base_url: Annotated[str | None, Field(max_length=2000)] = None
    auth: Literal["bearer", "x-goog-api-key", "query", "none"] | None = None
    key: Annotated[str | None, Field(max_length=16_384, description="Write-only.")] = None
    models: Annotated[list[Short] | None, Field(max_length=500)] = None
    default_model: Short | None = None
    default_aspect_ratio: Short | None = None
    default_image_size: Short | None = None
    priority: Annotated[int | None, Field(ge=0, le=10**9)] = None
    weight: Annotated[int | None, Field(ge=0, le=10**9)] = None
    limits: LimitsWish | None = None
    prices: Annotated[dict[Short, Amount] | None, Field(max_length=500)] = None


class HookTold(BaseModel):
    """Who is told, without what may be a right in the address."""

    url: str
    signed: bool


class Standing(BaseModel):
    """A cap and how it stands; amounts are decimal texts."""

    id: str
    scope: str
    period: PeriodName
    time_zone: str
    currency: str
    cap: str
    spent: str
    held: str
    at_stake: str
    left: str
    resets_at: str | None
    uncounted: list[str]


class Key(BaseModel):
    """A key of a caller, without its text. `declared`: the settings name it, and only they change
    it."""

    id: str
    name: str
    role: RoleName
    team: str | None
    state: Literal["live", "expired", "revoked"]
    models: list[str]
    max_size: str | None
    rpm: int | None
    concurrency: int | None
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    declared: bool
    webhook: HookTold | None
    budgets: list[Standing]
    this_month: list[Sum]


class KeyMade(Key):
    """A key that was made. `key` is shown this once."""

    key: str


class Keys(BaseModel):
    """Every key, oldest first, revoked ones too."""

    keys: list[Key]


class Member(BaseModel):
    """A key of a team."""

    id: str
    name: str


class Team(BaseModel):
    """Keys that share a cap."""

    name: str
    declared: bool
    keys: list[Member]
    budgets: list[Standing]
    webhook: HookTold | None


class Teams(BaseModel):
    """Every team, by name."""

    teams: list[Team]


class TeamGone(BaseModel):
    """A team that was taken away, with the keys that were revoked with it."""

    name: str
    revoked: list[str]


class Upstream(BaseModel):
    """An upstream that `via` may name. `key` is the end of its key, null where it has none."""

    name: str
    preset: str | None
    wire: str
    base_url: str | None
    auth: str
    key: str | None
    models: list[str]
    default: bool
    priority: int | None
    weight: int | None
    limits: dict[str, Any] | None
    standing: Literal["open", "probe", "ejected"]


class Upstreams(BaseModel):
    """Those configured."""

    upstreams: list[Upstream]


class UpstreamGone(BaseModel):
    """An upstream that was taken away, with its key."""

    removed: str


class Webhook(BaseModel):
    """Somebody who is told something, without what may be a right in his address."""

    id: str
    request_id: str | None
    url: str
    state: Literal["waiting", "delivered", "given_up"]
    tries: int
    status: int | None
    problem: str | None
    created_at: str
    next_try_at: str | None
    ended_at: str | None


class Webhooks(BaseModel):
    """Several of them."""

    webhooks: list[Webhook]


class Tested(BaseModel):
    """What a free call showed."""

    upstream: str
    ok: bool
    key_tested: bool
    elapsed_ms: int
    models: list[str]
    error: Problem | None
