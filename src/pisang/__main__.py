"""`python -m pisang` is the command line."""

from pisang.cli import main

if __name__ == "__main__":
    main()
