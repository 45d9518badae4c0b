"""Accounts: who a user is, how they sign in, and the tokens that say so to every other service."""
