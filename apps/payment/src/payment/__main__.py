"""`python -m payment`: serve, `migrate`, and the commands of commands.py."""

from servicekit.run import command_line

cli = command_line("payment", app="payment.main:load_app", more="payment.commands")

if __name__ == "__main__":
    cli()
