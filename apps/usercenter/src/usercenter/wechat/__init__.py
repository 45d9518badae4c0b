"""The mini-program side of WeChat: reached by URL only."""
