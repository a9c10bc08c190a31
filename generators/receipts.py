"""What was paid for a row: the calls of models, found by their keys whatever model they went to."""

from generators.calls import shared
from manifests.provenance import Receipt
from manifests.store import Store


class Receipts:
    """The calls of a store. Each scope is opened when it is looked into."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._scopes = sorted({key.split("/")[1] for key in store.files.keys("calls")})

    def __call__(self, key: bytes) -> Receipt | None:
        """Return what is known of a call, or None where its reply was removed or is in another store."""
        for scope in self._scopes:
            if reply := shared(self.store, scope).get(key):
                return Receipt(key, reply.tokens_in, reply.tokens_out, reply.finish_reason)
        return None
