"""The only public door: what is in its route table goes to a service by Dapr invocation, all else does not exist."""
