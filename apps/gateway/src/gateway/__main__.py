"""`python -m gateway`: serve. There is no database, hence nothing to migrate."""

from gateway.main import create_app
from gateway.settings import Settings
from servicekit.run import command_line

cli = command_line("gateway", Settings, create_app, stateful=False)

if __name__ == "__main__":
    cli()
