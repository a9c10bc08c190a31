"""The ground of the house: what a dataset is, how one becomes the next, how two differ.

Nothing here knows of web pages, models or rules. A row has an identity (`rows`), rows live in immutable Parquet
shards (`shard`) named by the hash of their bytes in a `store`; a `manifest` lists them; a recipe of stages (`stage`)
makes one manifest from another (`run`), writes down every decision (`ledger`), and two versions are compared (`diff`).
"""
