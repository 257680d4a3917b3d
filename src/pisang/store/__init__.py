"""What survives a crash: the ledger, and the bytes of every image and answer.

Owns one folder, `PISANG_HOME`: a SQLite ledger beside files named by their SHA-256, shared by any
number of processes. Alone imports sqlite3. May import `pisang.domain` and `pisang.errors`. The
door is `pisang.store.store.Store`; the SQL is in `sql/`, named, so that another database can be
a sibling. Nothing is made at import: writer thread and owner lock come with the first write.
"""
