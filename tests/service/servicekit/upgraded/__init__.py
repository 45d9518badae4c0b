"""A package with migrations of its own, for the tests of servicekit.migrate: a column and a constraint come after the
table is in use (docs/guides/deploy.md)."""
