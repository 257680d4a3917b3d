"""The JSON of the management API as types: what is taken in, and what `/docs` says is given out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from pisang.client.wishes import MAX_N, MAX_PROMPT
from pisang.gateway.management.reading import read_picture, read_plain, read_text

MAX_REFERENCES = 32
MAX_TAGS = 20
MAX_TAG = 100

SCHEMAS = "#/components/schemas/"

Responses = dict[int | str, dict[str, Any]]
"""What FastAPI is told of a route's answers."""

State = Literal[
    "planned", "sent", "done", "refused", "failed", "unknown", "written_off", "rebought"
]


Words = Annotated[str, BeforeValidator(read_text)]

Picture = Annotated[
    Any,
    PlainValidator(read_picture),
    WithJsonSchema(
        {
            "type": "string",
            "description": "The SHA-256 of an image of yours, the id of the request that made it, "
            "base64, or a data: URL. No other address is fetched.",
        }
    ),
]


class Asked(BaseModel):
    """Something that is asked: no field beyond these, and no type made into another."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Labelled(Asked):
    """A reference picture with a name that the prompt can use."""

    image: Picture
    label: Annotated[str, Field(min_length=1, max_length=40)]


class HookWish(Asked):
    """Who is told when a request is over."""

    url: Annotated[str, Field(min_length=8, max_length=4096)]
    secret: Annotated[
        str | None,
        Field(max_length=200, description="`whsec_` and base64: signs what is told. Never shown."),
    ] = None


class Generation(Asked):
    """A wish for images."""

    prompt: Annotated[Words, Field(max_length=MAX_PROMPT, description="What to paint.")]
    model: Annotated[str | None, Field(max_length=200, examples=["nano banana pro"])] = None
    aspect_ratio: Annotated[str | None, Field(max_length=20, examples=["16:9"])] = None
    image_size: Annotated[str | None, Field(max_length=20, examples=["2K"])] = None
    n: Annotated[int, Field(ge=1, le=MAX_N, description="How many images.")] = 1
    image: Annotated[
        Picture | None,
        Field(description="The picture to change; one of yours goes on from its turns."),
    ] = None
    references: Annotated[list[Labelled | Picture], Field(max_length=MAX_REFERENCES)] = []
    system: Annotated[Words | None, Field(max_length=MAX_PROMPT)] = None
    via: Annotated[str | None, Field(max_length=100, description="The upstream to ask.")] = None
    max_cost: Annotated[
        str | None, Field(max_length=40, examples=["0.50USD"], description="For all n together.")
    ] = None
    timeout_s: Annotated[float | None, Field(gt=0, le=86_400)] = None
    strict: Annotated[bool, Field(description="A shape that was not met is an error.")] = False
    extra: Annotated[
        dict[str, Any],
        BeforeValidator(read_plain),
        Field(description="Fields that only the upstream's wire knows."),
    ] = {}
    tags: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=MAX_TAG)]], Field(max_length=MAX_TAGS)
    ] = []
    webhook: Annotated[
        HookWish | None, Field(description="Who is told when it is over, besides the answer.")
    ] = None


class Requested(BaseModel):
    """The shape that was asked for."""

    aspect_ratio: str | None
    image_size: str | None


class Image(BaseModel):
    """One image: its pixels as measured, and where its bytes are."""

    sha256: str
    url: str | None
    mime: str
    width: int
    height: int
    bytes: int
    requested: Requested
    draft: bool
    parent: str | None


class Cost(BaseModel):
    """What it cost; amounts are decimal texts."""

    amount: str | None
    currency: str | None
    basis: str
    at_stake: str | None


class Problem(BaseModel):
    """What went wrong, whether money moved, and what to do."""

    code: str
    message: str
    charged: Literal["no", "yes", "unknown"]
    at_stake: str | None
    retry: Literal["never", "same", "later", "elsewhere"]
    request_id: str | None
    upstream_request_id: str | None
    hint: str | None


class Failed(BaseModel):
    """The body of every error."""

    error: Problem


MISSING: Responses = {404: {"model": Failed}}
"""What is not there is told like what is another's."""


class Warned(BaseModel):
    """Something to know about a result."""

    code: str
    message: str


class Result(BaseModel):
    """What became of a wish, as the command line says it; images have addresses here."""

    request_id: str
    state: State
    upstream: str
    model: str
    images: list[Image]
    failures: list[Problem]
    text: str
    finish_reason: str | None
    usage: dict[str, Any] | None
    cost: Cost
    warnings: list[Warned]


class Progress(BaseModel):
    """Where a generation stands: `result` once it is over, `error` where it gave no image."""

    id: str
    state: State
    under_way: bool
    created_at: str
    result: Result | None
    error: Problem | None


class Row(BaseModel):
    """One request of a history."""

    id: str
    prompt: str
    state: State
    upstream: str
    model: str
    cost: Cost
    images: list[Image]
    created_at: str
    tags: list[str]


class History(BaseModel):
    """Requests, newest first. `next` is the `before` of the page after this one."""

    requests: list[Row]
    next: str | None


class Attempt(BaseModel):
    """One paid send."""

    id: str
    ordinal: int
    upstream: str
    model: str
    state: State
    charged: Literal["no", "yes", "unknown"]
    cost: str | None
    play_money: bool
    status: int | None
    error: str | None
    message: str | None
    log_id: str | None
    upstream_request_id: str | None
    sent_ms: int | None
    ended_ms: int | None


class Story(Result):
    """A request with its attempts."""

    prompt: str
    created_at: str
    tags: list[str]
    attempts: list[Attempt]


class Cancelled(BaseModel):
    """`cancelled`: something that had not been sent won't be. What was sent is seen through."""

    id: str
    state: State
    cancelled: bool


class Deleted(BaseModel):
    """What went: files, of which `left` are still named by other requests."""

    id: str
    files: int
    left: int


class Unknown(BaseModel):
    """An attempt of which nobody knows whether it was made or billed."""

    id: str
    request_id: str
    state: State
    upstream: str
    model: str
    at_stake: str | None
    sent_at: str | None
    status: int | None
    message: str | None
    excerpt: str | None
    log_id: str | None
    upstream_request_id: str | None
    response_id: str | None


class Unknowns(BaseModel):
    """All of them, oldest first."""

    unknown: list[Unknown]


class Billing(BaseModel):
    """What the seller says of an attempt's money."""

    verdict: str
    certain: bool
    amount: str | None
    why: str | None
    noted: bool


class Looked(Unknown):
    """An attempt after the look: `images` where they were had, `tried` why not."""

    images: list[Image]
    tried: str | None
    billing: Billing | None


class WrittenOff(BaseModel):
    """An attempt that was given up; it counts as spent."""

    id: str
    state: Literal["written_off"]


class Sum(BaseModel):
    """One sum; amounts are decimal texts, null where no price is known."""

    currency: str | None
    spent: str | None
    at_stake: str | None
    written_off: str | None
    attempts: int
    images: int
    unpriced: int


class NamedSum(Sum):
    """What one upstream, model, day, key or tag came to."""

    name: str


class Usage(BaseModel):
    """What was spent in a time span."""

    by: str
    since: str | None
    until: str | None
    rows: list[NamedSum]
    totals: list[Sum]
    in_ledger_currency: Sum | None
    missing_rates: list[str]
    play_money: dict[str, int]
    budgets: list[dict[str, Any]]


class Models(BaseModel):
    """The catalogue."""

    date: str
    models: list[dict[str, Any]]


class Sought(BaseModel):
    """What is looked for among the images."""

    query: Annotated[str, Field(max_length=1000, description="Words that the prompt has.")] = ""
    model: Annotated[str | None, Field(max_length=200)] = None
    upstream: Annotated[str | None, Field(max_length=100)] = None
    ratio: Annotated[str | None, Field(max_length=20, examples=["16:9"])] = None
    size: Annotated[str | None, Field(max_length=20, examples=["2K"])] = None
    since: Annotated[str | None, Field(max_length=40)] = None
    until: Annotated[str | None, Field(max_length=40)] = None
    favourite: Annotated[bool, Field(description="Favourites only.")] = False
    trash: Annotated[bool, Field(description="What lies in the trash, and nothing else.")] = False
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    before: Annotated[
        str | None, Field(max_length=64, description="The `next` of the page before.")
    ] = None


class Tile(BaseModel):
    """One image of a gallery, with the wish that it was made for."""

    sha256: str
    request_id: str
    url: str
    mime: str
    width: int
    height: int
    bytes: int
    parent: str | None
    prompt: str
    model: str
    upstream: str
    image_size: str | None
    created_at: str
    favourite: bool
    trashed_at: str | None


class Gallery(BaseModel):
    """Images, newest first. `next` is the `before` of the page after this one. `total` comes with
    the first page; it is counted up to 10,000, and `total_capped` where there are more."""

    images: list[Tile]
    next: str | None
    total: int | None
    total_capped: bool


class ImageName(Asked):
    """An image as one request made it."""

    request_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


ImageNames = Annotated[list[ImageName], Field(min_length=1, max_length=500)]


class Marks(Asked):
    """How images are to be marked; what is left out stays as it is."""

    images: ImageNames
    favourite: bool | None = None
    trashed: bool | None = None


class Picked(Asked):
    """Images that are wanted as one file."""

    images: ImageNames


class Archive(BaseModel):
    """Where that file can be fetched, and until when. `bytes` are those of its images."""

    url: str
    bytes: int
    expires_at: str


class Marked(BaseModel):
    """How many images were marked otherwise before."""

    changed: int


class Amount(BaseModel):
    """Money; the amount is a decimal text."""

    amount: str
    currency: str


class Choice(BaseModel):
    """A model of an upstream: what it makes (empty lists: not known), what an image of each size
    costs there (null: not known), its pixels by `ratio@size`."""

    id: str
    name: str
    aspect_ratios: list[str]
    image_sizes: list[str]
    default_size: str | None
    max_references: int | None
    prices: dict[str, Amount | None]
    pixels: dict[str, list[int]]
    why: str | None


class Offer(BaseModel):
    """An upstream as its users see it."""

    name: str
    standing: Literal["open", "probe", "ejected"]
    default_model: str | None
    default_aspect_ratio: str | None
    default_image_size: str | None
    models: list[Choice]


class Choices(BaseModel):
    """What may be asked for."""

    max_n: int
    default: str
    upstreams: list[Offer]
