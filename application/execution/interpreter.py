"""The interpreter's version."""

from typing import Final

INTERPRETER: Final = 1
"""Raise it with every change by which a run that has begun would go another way or look for its
effects under other keys: which nodes run, what a pure one gives, `Place.key`, what is decided.

While processes of two versions live, each goes on with the runs that it began. Once there is no
process of the older one left, its runs go on here, from the records that this one still finds.
"""
