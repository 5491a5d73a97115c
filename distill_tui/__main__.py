"""`python -m distill_tui` and the `distill-tui` command: both end here."""

import sys


def main() -> None:
    from distill_tui.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
