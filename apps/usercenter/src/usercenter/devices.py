"""What a user agent is called in the list of a user's sessions, so that its owner knows it."""

BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("OPR", "Opera"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
"""In this order: Edge says that it is Chrome, and Chrome that it is Safari."""
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("HarmonyOS", "HarmonyOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
LONGEST = 40


def name_of(user_agent: str) -> str:
    """Such as `Chrome, Windows`; for what is no browser its first word, at most 40 characters; empty if it sent none."""
    known = [next((name for mark, name in marks if mark in user_agent), "") for marks in (BROWSERS, SYSTEMS)]
    if known[0]:
        return ", ".join(filter(None, known))
    return (user_agent.split() or [""])[0][:LONGEST]
