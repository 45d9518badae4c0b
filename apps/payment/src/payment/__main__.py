"""`python -m payment` serves; `python -m payment migrate` migrates."""

import asyncio

from fastapi import FastAPI

from payment.main import create_app
from payment.settings import Settings
from servicekit import secrets
from servicekit.run import command_line


def _app(settings: Settings) -> FastAPI:
    return create_app(settings, asyncio.run(secrets.fetch(settings, "payment")))


cli = command_line("payment", Settings, _app)

if __name__ == "__main__":
    cli()
