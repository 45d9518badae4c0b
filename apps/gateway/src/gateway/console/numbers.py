"""Numbers of rows as they stand in addresses."""


def row_id(text: str) -> int:
    """Raises ValueError for what is no row's id."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19 and int(text)):
        raise ValueError(text)
    return int(text)


def last_id(text: str) -> int:
    """0, which is the newest row, for what is no row's id."""
    try:
        return row_id(text)
    except ValueError:
        return 0
