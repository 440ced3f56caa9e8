"""Random cases about survival, fifty at a time."""

import json
import random

import numpy

from oracle.kit.server import Session, fresh_database
from oracle.survival.cases import QUERY, Terms, complaints, literal, random_rows, values

ENOUGH_FAILURES = 10


def compare_all(cases, seed):
    """Runs the cases; returns (passed, failed)."""
    numpy.seterr(all="ignore")
    with fresh_database("oracle") as database, Session(database) as session:
        return compare(session, random.Random(seed), cases)


def compare(session, rng, cases):
    passed = failed = 0
    session.run("CREATE TABLE durations (case_number int, arm int, part int, seconds float8, happened boolean, entry float8)")
    while passed + failed < cases and failed < ENOUGH_FAILURES:
        late = rng.random() < 0.5
        batch = [[random_rows(rng, late) for _ in range(5)] for _ in range(min(50, cases - passed - failed))]
        rows = [f"({n}, {arm}, {i % 3}, {literal(s)}, {literal(h)}, {literal(e)})" for n, groups in enumerate(batch)
                for arm, group in enumerate(groups) for i, (s, h, e) in enumerate(group)]
        session.run("TRUNCATE durations")
        if rows:
            session.run("INSERT INTO durations VALUES " + ", ".join(rows))
        terms = Terms(rng.choice([0.5, 0.8, 0.95, 0.99]), rng.choice(["log_log", "log"]), rng.choice([None, 0.5, 2.0, 20.0, 1e6]),
                      rng.choice(["logrank", "wilcoxon", "tarone_ware", "peto"]))
        value = rng.choice(values(late))
        query = QUERY.format(first=0, last=len(batch) - 1, value=value, confidence=terms.confidence, bounds=terms.bounds,
                             until=literal(terms.until), weighting=terms.weighting)
        answers = [json.loads(line) for line in session.run(query)]
        assert len(answers) == len(batch)
        for groups, answer in zip(batch, answers):
            wrong = list(complaints(groups, answer, terms))
            passed, failed = passed + (not wrong), failed + bool(wrong)
            for line in wrong[:3]:
                print(f"\n-- {terms}, {value}\n{line}", flush=True)
    return passed, failed
