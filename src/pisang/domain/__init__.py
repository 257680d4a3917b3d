"""What things are: frozen values, and pure functions from values to values.

Owns requests, contents and spans, answers, outcomes, attempt states, money, the catalogue,
image facts read from bytes, and what an upstream is. May import `pisang.errors` and nothing
else of the project; knows no clock, dice, socket, disk or event loop. Ids and times are
arguments. Nothing here can be built in an illegal shape.
"""
