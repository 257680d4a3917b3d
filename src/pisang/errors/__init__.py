"""Every way Pisang can say no, drawn once.

    PisangError
    ├── UsageError            the caller's words are wrong                    exit 2
    │   ├── OptionInvalid · PromptMissing · RatioUnsupported · SizeUnsupported
    │   ├── TableUnreadable · RowsWrong · BatchDone
    │   ├── ReferenceUnreadable · ReferenceUnsupported · TooManyReferences · ReferenceTooLarge
    │   ├── OutputExists · OutputUnwritable · NotFound · Ambiguous · IdempotencyMismatch
    │   ├── RequestTooSlow                                 its body, on its way to a gateway
    │   └── RequestRejected · ModelNotFound · RequestTooLarge     the upstream said so (free)
    ├── ConfigError           something must be set up first                  exit 3
    │   ├── UpstreamMissing · UpstreamUnknown · SettingsMalformed · ExtraMissing
    │   ├── HomeUnusable · LedgerUnusable
    │   ├── StoreFull · StoreFilled · StoreCorrupt · StoreSuspect
    │   ├── BucketUnreachable · BucketRefused · BackupUnusable
    │   ├── AddressRefused · BaseUrlWrong
    │   ├── KeyMissing · KeyInvalid · PermissionDenied · NoChannel · LocationBlocked
    │   ├── KeyRestricted                                  a gateway's key is for less
    │   ├── TicketSpent                               the way into `pisang studio`
    │   ├── ForeignPage                  another site's page asks with a browser's session
    │   └── UpstreamKeyRefused              the caller's key is good, the gateway's own is not
    ├── Refused               the upstream declined this picture               exit 4
    ├── NoImage               an answer came, and no image in it               exit 5
    ├── Unavailable           nothing was sent, or it was turned away free     exit 5
    │   ├── Unreachable · Overloaded · RateLimited · KeyLimited · QuotaExhausted · UpstreamFault
    │   └── Crowded · Stopping · UpstreamsEjected · SignInLimited   a gateway's own
    ├── MoneyError            the money is not there                           exit 6
    │   └── BudgetExceeded · PriceUnknown · RateUnknown · BalanceExhausted · ConfirmationNeeded
    ├── OutcomeUnknown        sent; whether it was made or billed is unknown   exit 7
    ├── Mismatch              `--strict`: an image came, not the one asked for exit 8
    ├── Partial               some of n images came                            exit 8
    ├── Running               still under way                                  exit 9
    ├── WireError             bytes that are not the dialect they claim to be  exit 2
    ├── Cancelled             stopped before anything was sent                 exit 130
    └── Unexpected            a fault of ours                                  exit 1

Two questions are answered by each leaf, and never mixed up: may it be tried again (`retry`), and
did money move (`charged`). Each leaf also knows its HTTP status and its exit code, and says
itself in English and Chinese. One table (`leaves()`) feeds the wires' own error bodies, the
command line and the docs page. May import nothing of the project.
"""

from __future__ import annotations

from pisang.errors.base import Charged, Language, PisangError, Retry
from pisang.errors.money import (
    BalanceExhausted,
    BudgetExceeded,
    ConfirmationNeeded,
    MoneyError,
    PriceUnknown,
    RateUnknown,
)
from pisang.errors.outcomes import (
    Cancelled,
    Crowded,
    KeyLimited,
    Mismatch,
    NoImage,
    OutcomeUnknown,
    Overloaded,
    Partial,
    QuotaExhausted,
    RateLimited,
    Refused,
    Running,
    SignInLimited,
    Stopping,
    Unavailable,
    Unexpected,
    Unreachable,
    UpstreamFault,
    UpstreamsEjected,
    WireError,
)
from pisang.errors.setup import (
    AddressRefused,
    BackupUnusable,
    BaseUrlWrong,
    BucketRefused,
    BucketUnreachable,
    ConfigError,
    ExtraMissing,
    ForeignPage,
    HomeUnusable,
    KeyInvalid,
    KeyMissing,
    KeyRestricted,
    LedgerUnusable,
    LocationBlocked,
    NoChannel,
    PermissionDenied,
    SettingsMalformed,
    StoreCorrupt,
    StoreFilled,
    StoreFull,
    StoreSuspect,
    TicketSpent,
    UpstreamKeyRefused,
    UpstreamMissing,
    UpstreamUnknown,
)
from pisang.errors.usage import (
    Ambiguous,
    BatchDone,
    IdempotencyMismatch,
    ModelNotFound,
    NotFound,
    OptionInvalid,
    OutputExists,
    OutputUnwritable,
    PromptMissing,
    RatioUnsupported,
    ReferenceTooLarge,
    ReferenceUnreadable,
    ReferenceUnsupported,
    RequestRejected,
    RequestTooLarge,
    RequestTooSlow,
    RowsWrong,
    SizeUnsupported,
    TableUnreadable,
    TooManyReferences,
    UsageError,
)

__all__ = [
    "AddressRefused",
    "Ambiguous",
    "BackupUnusable",
    "BalanceExhausted",
    "BaseUrlWrong",
    "BatchDone",
    "BucketRefused",
    "BucketUnreachable",
    "BudgetExceeded",
    "Cancelled",
    "Charged",
    "ConfigError",
    "ConfirmationNeeded",
    "Crowded",
    "ExtraMissing",
    "ForeignPage",
    "HomeUnusable",
    "IdempotencyMismatch",
    "KeyInvalid",
    "KeyLimited",
    "KeyMissing",
    "KeyRestricted",
    "Language",
    "LedgerUnusable",
    "LocationBlocked",
    "Mismatch",
    "ModelNotFound",
    "MoneyError",
    "NoChannel",
    "NoImage",
    "NotFound",
    "OptionInvalid",
    "OutcomeUnknown",
    "OutputExists",
    "OutputUnwritable",
    "Overloaded",
    "Partial",
    "PermissionDenied",
    "PisangError",
    "PriceUnknown",
    "PromptMissing",
    "QuotaExhausted",
    "RateLimited",
    "RateUnknown",
    "RatioUnsupported",
    "ReferenceTooLarge",
    "ReferenceUnreadable",
    "ReferenceUnsupported",
    "Refused",
    "RequestRejected",
    "RequestTooLarge",
    "RequestTooSlow",
    "Retry",
    "RowsWrong",
    "Running",
    "SettingsMalformed",
    "SignInLimited",
    "SizeUnsupported",
    "Stopping",
    "StoreCorrupt",
    "StoreFilled",
    "StoreFull",
    "StoreSuspect",
    "TableUnreadable",
    "TicketSpent",
    "TooManyReferences",
    "Unavailable",
    "Unexpected",
    "Unreachable",
    "UpstreamFault",
    "UpstreamKeyRefused",
    "UpstreamMissing",
    "UpstreamUnknown",
    "UpstreamsEjected",
    "UsageError",
    "WireError",
    "leaf",
    "leaves",
]


def leaves() -> tuple[type[PisangError], ...]:
    """Every error class with a code of its own, by exit code; a fault of ours last."""

    def walk(base: type[PisangError]) -> list[type[PisangError]]:
        found = [base] if "code" in vars(base) and base is not PisangError else []
        for child in base.__subclasses__():
            found.extend(walk(child))
        return found

    return tuple(sorted(walk(PisangError), key=lambda one: (one.exit_code == 1, one.exit_code)))


def leaf(code: str) -> type[PisangError]:
    """The class with that code; `Unexpected` for a code that no version of ours wrote."""
    return next((found for found in leaves() if found.code == code), Unexpected)
