"""What was really sent between the sidecars and their apps, held against contracts/."""
