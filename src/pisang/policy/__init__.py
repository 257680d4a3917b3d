"""What to do, decided from what is known: charge, retry, price, plan, route, health, quota.

Owns every rule that an operator may want to read or change, as tables and arithmetic; values in,
values out. May import `pisang.domain` and `pisang.errors`; knows no clock, dice, socket, disk or
event loop: times come as arguments, and randomness is drawn by whoever asks.
"""
