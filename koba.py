"""The `koba` command."""
