"""`python -m notification`: serve, or migrate."""

from notification.main import create_app
from notification.settings import Settings
from servicekit.run import command_line

cli = command_line("notification", Settings, create_app)

if __name__ == "__main__":
    cli()
