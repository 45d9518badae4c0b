"""RefundRequests: their requests, their submission to WeChat, and what an operator does with one that failed."""
