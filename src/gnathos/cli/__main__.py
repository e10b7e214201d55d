"""`python -m gnathos.cli` is `gnathos`."""

from gnathos.cli.commands import main

if __name__ == "__main__":
    main()
