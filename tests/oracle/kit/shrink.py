"""Reduces a failing case: fewer rows, fewer arguments, as long as it still fails."""

from dataclasses import replace


def smallest(case, log, fails, budget=300):
    """The smallest (case, log) found with at most `budget` calls of fails(case, log)."""
    left = [budget]

    def still_fails(a_case, a_log):
        left[0] -= 1
        return left[0] >= 0 and fails(a_case, a_log)

    case = simpler_case(case, log, still_fails)
    log = plainer_log(case, log, still_fails)
    log = fewer_rows(case, log, still_fails)
    return simpler_case(case, log, still_fails), log


def simpler_case(case, log, still_fails):
    for simpler in case.simpler():
        if still_fails(simpler, log):
            return simpler_case(simpler, log, still_fails)
    return case


def plainer_log(case, log, still_fails):
    for name, value in log.PLAINER.items():
        plainer = replace(log, **{name: value})
        if plainer != log and still_fails(case, plainer):
            log = plainer
    return log


def fewer_rows(case, log, still_fails):
    """Drops ever smaller chunks of rows (delta debugging, Zeller 1999, its complement step)."""
    chunk = max(len(log.requests) // 2, 1)
    while True:
        at = 0
        while at < len(log.requests):
            fewer = log.without(set(range(at, at + chunk)))
            if still_fails(case, fewer):
                log = fewer
            else:
                at += chunk
        if chunk == 1:
            return log
        chunk = max(chunk // 2, 1)
