"""`python -m conformance`."""

from conformance.cli import app

app()
