"""payment: money at WeChat Pay, told to the orders that it is about."""
