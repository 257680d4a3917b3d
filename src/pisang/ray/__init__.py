"""Batches on a Ray cluster: Ray places, supervises and scales the workers, the ledger says what is
bought.

Owns the actors that do a batch's rows and the way from a Ray Dataset to its pictures. Imports
`client` and what is below it; the command line imports it. Never lets Ray decide that something is
sent: what Ray tries again, it asks the ledger for again. Needs the extra `ray`.
"""

from __future__ import annotations

from pisang.ray.generating import generate

__all__ = ["generate"]
