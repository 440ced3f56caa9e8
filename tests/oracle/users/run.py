"""Random cases about single users, compared by `runner` of the kit."""

from oracle.kit.runner import Concept
from oracle.users.cases import broken_laws, expected_rows, random_user_case
from oracle.users.logs import random_user_log

compare_all = Concept(random_user_log, random_user_case, expected_rows, broken_laws).compare_all
