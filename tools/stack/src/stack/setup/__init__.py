"""Everything `make setup` fetches or builds. Standard library only: it runs before there is an environment."""
