"""Where policy meets the world: one attempt as a generator of effects, and what drives it.

Owns the flow (pure), the effects as values, the asyncio driver, recovery, and the portal that
gives the sync SDK the same road. May import `store`, `transport`, `sandbox`, `pixels`, `wires`,
`policy`, `domain`, `errors`. No face talks to a wire, a socket or a table itself: it asks here.
"""
