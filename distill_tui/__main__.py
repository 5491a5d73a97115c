"""`python -m distill_tui` and the `distill-tui` command: both end here."""

import sys


def main() -> None:
    from distill_tui.cli.main import run

    code = run(sys.argv[1:])
    if "--line" in sys.argv[1:]:
        from distill_tui.cli.quick import leave

        leave(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
