"""Random cases about the functions over `activity`, compared by `runner` of the kit."""

from dataclasses import replace

from oracle.activity.cases import broken_laws, expected_rows, random_case
from oracle.kit.logs import random_log
from oracle.kit.runner import Concept

def random_log_and_settings(rng, now):
    """A log in a session whose years may begin with any month."""
    return replace(random_log(rng, now), year_start=rng.choice([None, None, "2", "4", "7", "12"]))


compare_all = Concept(random_log_and_settings, random_case, expected_rows, broken_laws).compare_all
