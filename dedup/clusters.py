"""Clusters of near rows by the book: connected components, split until each row that goes is near the one that stays.

`dedup.kernels.keep` comes to the same rows without ever holding a pair; this is what it is compared with.
"""

from collections.abc import Iterable

Edge = tuple[int, int]


def components(rows: Iterable[int], edges: Iterable[Edge]) -> list[set[int]]:
    """Return the connected components of a graph (union-find). Edges to other rows than `rows` do not count."""
    parents = {row: row for row in rows}

    def root(row: int) -> int:
        while parents[row] != row:
            parents[row] = parents[parents[row]]
            row = parents[row]
        return row

    for one, other in edges:
        if one in parents and other in parents:
            parents[root(one)] = root(other)
    found: dict[int, set[int]] = {}
    for row in parents:
        found.setdefault(root(row), set()).add(row)
    return list(found.values())


def survivors(count: int, edges: Iterable[Edge]) -> dict[int, int]:
    """Return for each row that goes the row that stays in its place.

    Rows are numbered from 0 in the order of chance: the first of a component stays, and those with an edge to it go.
    What is left of the component is no longer held together by it, and is taken apart into components again.
    """
    edges = list(edges)
    near: dict[int, set[int]] = {row: set() for row in range(count)}
    for one, other in edges:
        near[one].add(other)
        near[other].add(one)
    gone: dict[int, int] = {}
    clusters = components(range(count), edges)
    while clusters:
        cluster = clusters.pop()
        first = min(cluster)
        followers = near[first] & cluster
        gone |= dict.fromkeys(followers, first)
        left = cluster - followers - {first}
        clusters += components(left, [(row, other) for row in left for other in near[row] if row < other])
    return gone
