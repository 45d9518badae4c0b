"""HTTP edges: parse, know who asks, call one use-case, answer."""
