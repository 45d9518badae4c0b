"""`python -m gateway`: serve. There is no database, hence nothing to migrate."""

from servicekit.run import command_line

cli = command_line("gateway", stateful=False)

if __name__ == "__main__":
    cli()
