"""Takes money by WeChat Pay v3 and says, as the only one, whether an order was paid."""
