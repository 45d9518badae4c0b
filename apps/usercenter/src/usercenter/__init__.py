"""User accounts, sign-in, and the access tokens that other services verify."""
