"""WeChat Pay API v3, cut as the protocol is: signing, keys, crypto, notifications, the client. Knows no order, no table."""
