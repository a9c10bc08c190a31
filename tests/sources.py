"""What a source of rows in a test is beside its rows: one unit, from no file."""


class OneUnit:
    """A source that is its own and only unit; a subclass gives `key`, `file` and `rows`."""

    def units(self, _store: object) -> list["OneUnit"]:
        return [self]

    def records(self) -> tuple[()]:
        return ()

    def locations(self) -> dict[str, str]:
        return {}
