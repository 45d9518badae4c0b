"""WeChat's mini-program API."""
