"""The console's pages in the order in which the navigation shows them. The text: `nav_<name>` of `locale/console/base`."""

NAVIGATION: tuple[tuple[str, str], ...] = (
    ("find", "/console"),
    ("money", "/console/money"),
    ("payments", "/console/money/payments"),
    ("refunds", "/console/money/refunds"),
    ("failed_refunds", "/console/money/failed-refunds"),
    ("approvals", "/console/money/approvals"),
    ("reviews", "/console/reviews"),
    ("closings", "/console/closings"),
    ("reconciliation", "/console/reconciliation"),
    ("payouts", "/console/payouts"),
    ("charts", "/console/charts"),
    ("letters", "/console/letters"),
    ("queues", "/console/queues"),
    ("messages", "/console/messages"),
    ("hosts", "/console/hosts"),
    ("audit", "/console/audit"),
    ("system", "/console/system"),
)
"""(name, path); a page below the path belongs to it."""
