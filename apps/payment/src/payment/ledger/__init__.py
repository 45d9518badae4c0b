"""The ledger: every change of a payment's or refund's state, and the review queue. Makes no network call, so that none
happens inside a transaction; an import contract holds this."""
