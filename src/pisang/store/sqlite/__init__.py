"""The ledger in a SQLite file of the home. Alone imports sqlite3."""
