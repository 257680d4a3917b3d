"""The docs, run: every example, every command line, every name, every link."""
