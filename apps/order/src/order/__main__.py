"""`python -m order` serves, `python -m order migrate` prepares the database."""

from servicekit.run import command_line

cli = command_line("order")

if __name__ == "__main__":
    cli()
