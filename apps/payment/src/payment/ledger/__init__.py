"""The books: every change of a payment's or a refund's state. No call over the network is made from here."""
