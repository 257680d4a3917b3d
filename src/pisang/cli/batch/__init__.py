"""`pisang batch`: a list of wishes made to its end, whoever dies on the way.

`commands` reads the words; `keeper` is a process of its own that does the jobs and writes files and
`results.jsonl`; `watching` looks at the ledger, draws, and passes Ctrl-C on; `telling` says how a
batch stands. Imported by `cli` alone.
"""
