"""The JSON of batches as types: what is taken in, and what `/docs` says is given out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from pisang.gateway.management.shapes import Asked, Cost, Image, Problem, State, Words

MAX_ROWS = 10_000
"""Of one call. More are several batches, or `pisang batch run` beside the gateway."""


def _read_rows(value: object) -> object:
    """Rows are read one by one, so that what is wrong in all of them is told at once."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError("a list of objects is needed")
    return value


class BatchWish(Asked):
    """Many wishes for images, done beside all else."""

    rows: Annotated[
        list[Any],
        BeforeValidator(_read_rows),
        Field(
            min_length=1,
            max_length=MAX_ROWS,
            description="Each as the body of `POST /generations`.",
        ),
    ]
    defaults: Annotated[
        dict[str, Any],
        Field(default_factory=dict, description="What each row says that does not say otherwise."),
    ]
    name: Annotated[Words, Field(max_length=200)] = ""
    concurrency: Annotated[int | None, Field(ge=1, le=10_000, description="At once.")] = None
    every_s: Annotated[float, Field(ge=0, le=86_400, description="Between two starts.")] = 0
    max_cost: Annotated[
        str | None, Field(max_length=40, examples=["5USD"], description="For the whole batch.")
    ] = None
    priority: Annotated[int, Field(ge=-100, le=0, description="Lower goes later.")] = 0


class Counts(BaseModel):
    """Rows by how they stand; `waiting` and `taken` are those that are not over."""

    total: int
    waiting: int
    taken: int
    states: dict[str, int]


class Money(BaseModel):
    """What it came to so far: amounts in words, one a currency. `unpriced` attempts cost what
    nobody knows."""

    spent: list[str]
    at_stake: list[str]
    play_money: list[str]
    unpriced: int


class BatchLimits(BaseModel):
    """Its own limits."""

    concurrency: int | None
    every_s: float
    max_cost: str | None
    priority: int


class BatchStatus(BaseModel):
    """How a batch stands. `over`: nothing more will happen by itself."""

    id: str
    name: str
    state: Literal["filling", "open", "cancelled"]
    over: bool
    created_at: str
    started_at: str | None
    ended_at: str | None
    rows: Counts
    cost: Money
    failures: dict[str, int]
    images_per_minute: int
    eta_s: float | None
    limits: BatchLimits


class BatchPlan(BaseModel):
    """What a batch would be, at its worst. `unpriced` images cost what nobody knows."""

    rows: int
    images: int
    price: list[str]
    unpriced: int


class Batches(BaseModel):
    """Batches, newest first. `next` is the `before` of the page after this one."""

    batches: list[BatchStatus]
    next: str | None


class BatchRow(BaseModel):
    """One row, and what became of it."""

    row: int
    request_id: str
    state: State
    over: bool
    tries: int
    prompt: str
    model: str
    upstream: str
    images: list[Image]
    cost: Cost
    error: Problem | None


class BatchRows(BaseModel):
    """Rows in their order. `next` is the `after` of the page behind this one."""

    rows: list[BatchRow]
    next: int | None


class Again(BaseModel):
    """How many rows were put back into the line."""

    id: str
    rows: int
