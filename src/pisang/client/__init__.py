"""The SDK: settings, keys, upstream choice, references, output files, `Client` and `AsyncClient`.

Owns everything between a face and the engine: where a wish's defaults come from, what becomes an
`Order`, and what a user gets back. The command line, the MCP server and the studio are built on
it. May import engine, store, transport, sandbox, pixels, wires, policy, domain and errors.
"""
