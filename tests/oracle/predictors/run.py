"""Random cases about predictors of retention and churn, compared by `runner` of the kit."""

from oracle.kit.runner import Concept
from oracle.predictors.cases import broken_laws, expected_rows, random_predictor_case
from oracle.predictors.logs import random_predictor_log

compare_all = Concept(random_predictor_log, random_predictor_case, expected_rows, broken_laws).compare_all
