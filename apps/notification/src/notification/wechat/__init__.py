"""The mini program's server API, as far as messages need it. Knows no task and no order."""
