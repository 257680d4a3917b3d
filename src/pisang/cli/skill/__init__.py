"""The agent skill: its text, made from the installed command line and catalogue, and its places.

`SKILL.md` and `references/` here are templates: what could drift (models, shapes, prices, exit
codes, the version) stands in them as `{{name}}` and is filled in by `text`. `places` knows where
agents look for skills, `commands` is `pisang skill`. Imported by `cli` alone.
"""
