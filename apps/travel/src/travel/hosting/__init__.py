"""What hosts do: apply, keep their shop and homestays, set prices and dates. Every change writes its row in
`host_change`."""
