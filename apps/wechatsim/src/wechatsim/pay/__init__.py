"""api.mch.weixin.qq.com: orders, refunds, bills and the cashier."""
