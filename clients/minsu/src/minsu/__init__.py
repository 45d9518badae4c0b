"""A front end for the command line: it knows the public API only, as any other front end does."""
