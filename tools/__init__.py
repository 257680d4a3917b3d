"""Tools for the people who work on Pisang; not part of the package."""
