"""Random cases about survival, fifty at a time."""

import json
import random

import numpy

from oracle.kit.server import Session, fresh_database
from oracle.survival.cases import QUERY, VALUES, complaints, literal, random_rows

ENOUGH_FAILURES = 10


def compare_all(cases, seed):
    """Runs the cases; returns (passed, failed)."""
    numpy.seterr(all="ignore")
    with fresh_database("oracle") as database, Session(database) as session:
        return compare(session, random.Random(seed), cases)


def compare(session, rng, cases):
    passed = failed = 0
    session.run("CREATE TABLE durations (case_number int, arm int, part int, seconds float8, happened boolean)")
    while passed + failed < cases and failed < ENOUGH_FAILURES:
        batch = [[random_rows(rng) for _ in range(5)] for _ in range(min(50, cases - passed - failed))]
        rows = [f"({n}, {arm}, {i % 3}, {literal(s)}, {literal(h)})" for n, groups in enumerate(batch)
                for arm, group in enumerate(groups) for i, (s, h) in enumerate(group)]
        session.run("TRUNCATE durations")
        if rows:
            session.run("INSERT INTO durations VALUES " + ", ".join(rows))
        confidence = rng.choice([0.5, 0.8, 0.95, 0.99])
        value = rng.choice(VALUES)
        query = QUERY.format(first=0, last=len(batch) - 1, value=value, confidence=confidence)
        answers = [json.loads(line) for line in session.run(query)]
        assert len(answers) == len(batch)
        for groups, answer in zip(batch, answers):
            wrong = list(complaints(groups, answer, confidence))
            passed, failed = passed + (not wrong), failed + bool(wrong)
            for line in wrong[:3]:
                print(f"\n-- confidence {confidence}, {value}\n{line}", flush=True)
    return passed, failed
