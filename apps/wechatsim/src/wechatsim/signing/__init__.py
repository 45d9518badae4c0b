"""Keys, certificates, signatures and encryption, for API v3 and the mini program."""
