"""Speed, measured side by side with the peers in one run. Not part of the package.

`make bench` runs every section and keeps the raw figures, with the machine's description, in
`bench/out/`. Figures are whole-process unless a row says otherwise; quote medians and ratios,
machines are noisy. `make bench` asserts nothing.
"""
