"""Batches at work: jobs are taken from the ledger and carried out over the engine's one road.

Owns the order in which a process takes jobs, how many it does at once, and what becomes of those
that can't be done now. Imports `engine` and what is below it; `client` and the faces import it.
Never keeps a truth of its own: whatever it knows, it read from the ledger.
"""
