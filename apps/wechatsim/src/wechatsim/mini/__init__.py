"""api.weixin.qq.com: login, access tokens and subscribe messages."""
