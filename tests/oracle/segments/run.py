"""Random cases about segments, compared by `runner` of the kit."""

from oracle.kit.runner import Concept
from oracle.segments.cases import broken_laws, expected_rows, random_segment_case
from oracle.segments.logs import random_segment_log

compare_all = Concept(random_segment_log, random_segment_case, expected_rows, broken_laws).compare_all
