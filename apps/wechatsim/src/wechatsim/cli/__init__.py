"""The `wechatsim` command. Every command but `serve` and `keys` calls the control API of a running sandbox."""
