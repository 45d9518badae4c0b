"""HTTP edges: parse, name the caller, call one use-case."""
