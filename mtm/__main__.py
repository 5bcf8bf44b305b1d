"""`python -m mtm` is the same as the `mtm` command."""

from mtm.cli import main

if __name__ == "__main__":
    main()
