"""Random cases about the functions over `activity`, compared by `runner` of the kit."""

from oracle.activity.cases import broken_laws, expected_rows, random_case
from oracle.kit.logs import random_log
from oracle.kit.runner import Concept

compare_all = Concept(random_log, random_case, expected_rows, broken_laws).compare_all
