"""Hosts of addresses, in one spelling, and the domains that somebody has registered."""

from functools import lru_cache
from urllib.parse import unquote, urlsplit

import idna
from tld import get_fld

LIBRARIES = ("tld", "idna")  # the former carries the public suffix list


def host_of(url: str) -> str | None:
    """Return the host of an address in lower-case ASCII: no user, no port, no dot at the end, IDN as punycode.

    An address without a scheme is read as if it had one. None where there is no host.
    """
    url = url.strip().replace("\\", "/")
    try:
        host = urlsplit(url if "://" in url else f"//{url.lstrip('/')}").hostname
    except ValueError:  # brackets that hold no IPv6 address
        return None
    return spell(unquote(host)) if host else None


@lru_cache(maxsize=2**12)
def spell(host: str) -> str | None:
    """Return a host in the one spelling that `host_of` gives, None for what is no name of a host."""
    host = host.strip().strip(".").lower()
    if host.isascii():
        return host or None
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return host


def registered_domain(host: str) -> str | None:
    """Return the part of a host that somebody registered: "example.co.jp" of "www.example.co.jp".

    By the public suffix list, its ICANN part only: blogs of one provider share its domain. None for what has none, such
    as an IP address or a name in a network of one's own.
    """
    found = get_fld(f"http://{host}/", fail_silently=True, search_private=False)
    return str(found) if found else None


def ancestors(host: str) -> tuple[str, ...]:
    """Return a host and the names above it, up to the registered domain: never "co.jp"."""
    top = registered_domain(host)
    if top is None or not host.endswith(top):
        return (host,)
    labels = host.removesuffix(top).strip(".").split(".") if host != top else []
    return (*(f"{'.'.join(labels[place:])}.{top}" for place in range(len(labels))), top)
