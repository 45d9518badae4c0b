"""What is done once a day: the comparison with WeChat's bill, and the payouts to merchants."""
