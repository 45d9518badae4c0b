"""What operators see of the ledger at a glance: payments by state and age, what should end, figures of the last day."""
