"""Random cases about the functions over `sessions`, compared by `runner` of the kit."""

from oracle.kit.runner import Concept
from oracle.sessions.cases import broken_laws, expected_rows, random_session_case
from oracle.sessions.logs import random_content_log

compare_all = Concept(random_content_log, random_session_case, expected_rows, broken_laws).compare_all
