"""What survives a crash: the ledger, and the bytes of every image and answer.

Owns one folder, `PISANG_HOME`: files named by their SHA-256 beside a ledger, shared by any number
of processes. `ledger` says what a ledger is, `sqlite/` keeps it in a file of the home. May import
`pisang.domain` and `pisang.errors`. The door is `pisang.store.store.Store`; the SQL is in `sql/`,
named. Nothing is made at import: writer thread and sign of life come with the first write.
"""
