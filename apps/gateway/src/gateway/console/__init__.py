"""The operations console: server-rendered pages for operators under `/console`. It does nothing that `minsu ops` cannot:
each page and each act goes through the services' public operators' API with the operator's own token."""
