"""The console's pages in the order in which the navigation shows them. The text: `nav_<name>` of `locale/console/base`."""

NAVIGATION: tuple[tuple[str, str], ...] = (("find", "/console"),)
"""(name, path); a page below the path belongs to it."""
