"""Random cases about lifecycle stages, compared by `runner` of the kit."""

from oracle.kit.runner import Concept
from oracle.predictors.logs import random_predictor_log
from oracle.stages.cases import broken_laws, expected_rows, random_stage_case

compare_all = Concept(random_predictor_log, random_stage_case, expected_rows, broken_laws).compare_all
