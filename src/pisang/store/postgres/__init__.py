"""The ledger in a PostgreSQL database, named by a URL. Alone imports psycopg."""
