"""The sandbox's own API under /_sim and its console page; nothing here is WeChat's."""
