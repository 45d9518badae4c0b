"""The cases of each role: what a service of that app-id must do, whatever it is written in."""
