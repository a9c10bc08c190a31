"""What all tests share, for a noisy machine: hypothesis without deadlines or a database, threads that do not spin."""

import os

from hypothesis import settings

from manifests.options import PATIENT

settings.register_profile("koba", deadline=None, database=None, max_examples=60)
settings.load_profile("koba")
os.environ.update(PATIENT)
