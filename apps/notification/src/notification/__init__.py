"""Sends WeChat subscribe messages about orders to guests and merchants."""
