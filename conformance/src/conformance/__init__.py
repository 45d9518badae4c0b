"""Black-box tests that any implementation of a service must pass. Knows contracts/ and the wire, no service's code."""
