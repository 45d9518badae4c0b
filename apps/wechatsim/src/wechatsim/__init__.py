"""wechatsim plays api.mch.weixin.qq.com and api.weixin.qq.com for tests and for laptops."""

__version__ = "0.1.0"
