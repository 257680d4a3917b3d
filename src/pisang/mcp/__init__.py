"""The MCP server: images for agents, over standard input and output (`pisang mcp`).

Two processes: `server` speaks the protocol and owns nothing; `keeper`, in a session of its own,
owns the purchases (`session`), so that nothing that ends an agent's client ends what is paid for.
`line` joins them; `roots` says which files may be touched, `purse` what may be spent, `telling`
what an agent is shown. May import `client` and whatever is below it.
"""
