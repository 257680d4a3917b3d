"""Unmodified public clients, each in a process of its own, and what they are asked."""
