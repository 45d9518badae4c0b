"""Daily work: reconciliation with WeChat's trade bill, and the payouts due to merchants."""
