"""`python -m order` serves, `python -m order migrate` prepares the database."""

from order.main import create_app
from order.settings import Settings
from servicekit.run import command_line

cli = command_line("order", Settings, create_app)

if __name__ == "__main__":
    cli()
