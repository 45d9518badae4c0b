"""What operators see of a running service: log lines (logs) and traces (traces, export)."""
