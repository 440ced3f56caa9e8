"""Random cases about user journeys, compared by `runner` of the kit."""

from oracle.journey.cases import broken_laws, expected_rows, random_journey_case
from oracle.journey.logs import random_journey_log
from oracle.kit.runner import Concept

compare_all = Concept(random_journey_log, random_journey_case, expected_rows, broken_laws).compare_all
