"""What all tests share: hypothesis without deadlines, for a noisy machine, and without a database of its own."""

from hypothesis import settings

settings.register_profile("koba", deadline=None, database=None, max_examples=60)
settings.load_profile("koba")
