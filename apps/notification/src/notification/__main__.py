"""`python -m notification`: serve, or migrate."""

from servicekit.run import command_line

cli = command_line("notification")

if __name__ == "__main__":
    cli()
