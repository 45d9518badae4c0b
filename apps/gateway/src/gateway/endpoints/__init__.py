"""HTTP edges: the public API, and the storefront's pages."""
