"""Random cases about funnels and paths, compared by `runner` of the kit."""

from oracle.funnel.cases import broken_laws, expected_rows, random_funnel_case
from oracle.funnel.logs import random_funnel_log
from oracle.kit.runner import Concept

compare_all = Concept(random_funnel_log, random_funnel_case, expected_rows, broken_laws).compare_all
