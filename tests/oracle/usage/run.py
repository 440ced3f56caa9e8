"""Random cases about usage patterns, compared by `runner` of the kit."""

from oracle.kit.runner import Concept
from oracle.usage.cases import broken_laws, expected_rows, random_usage_case
from oracle.usage.logs import random_usage_log

compare_all = Concept(random_usage_log, random_usage_case, expected_rows, broken_laws).compare_all
