"""Fen inside, yuan only on the few outward fields that the source system's clients know."""


def yuan(fen: int) -> float:
    """`19900` → `199.0`. Exact to the fen for every amount below 2^53 / 100."""
    return round(fen / 100, 2)


def yuan_text(fen: int) -> str:
    """`19900` → `"199.00"`, for people and for message templates."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"
