"""HTTP endpoints: parse the request, identify the caller, call one use-case, turn its result into a schema."""
