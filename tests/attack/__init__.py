"""`make attack`: what strangers, buyers, merchants, other apps and forgers try on a running system, and what answers."""
