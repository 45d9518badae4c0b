"""Gets the real parts of Minsu and runs the whole system on one machine."""
