"""What the timings of one run are held against, as ratios to the scan of the same log in the same run."""

import functions

# The readout, what it is held against, and the most it may be of that. Ranks over all requests and two passes may take more.
RATIOS = (
    (("users", "activity, serial"), ("scan", "scan, serial"), 1.3),
    (("retention", "retention_matrix, 2 workers"), ("scan", "scan, 2 workers"), 2),
    (("retention", "retention_matrix, 2 workers, narrow log"), ("scan", "scan, 2 workers, narrow log"), 2),
    (("engagement", "engagement, 2 workers"), ("scan", "scan, 2 workers"), 2),
    (("sessions", "session_stats, 2 workers"), ("scan", "scan, 2 workers"), 2.5),
    (("funnel", "funnel, 2 workers"), ("scan", "scan, 2 workers"), 2.5),
    (("segments", "segment_users, 2 workers"), ("scan", "scan, 2 workers"), 3),
    (("drivers", "retention_drivers of 20 features, 2 workers"), ("scan", "scan, 2 workers"), 5),
    (("experiments", "ab_compare of requests, 2 workers"), ("scan", "scan, 2 workers"), 5),
)
# How much more ten times the rows may take than the scan of them does.
GROWTH = 1.1
# Bytes a user of 26 active weeks, and milliseconds of one user's row over twice the index scan of their requests.
USER_BYTES, ONE_USER_MS = 64, 5


def shortfalls(found, small, memory, pair, rows):
    """A line for each aim that is missed, and one that counts them. `small` are timings of a tenth of the log."""
    seconds = {(c.question, c.name.removesuffix(", run once")): c.median for c in found}
    checked = [(f"{name} against {of}", seconds[question, name] / seconds[base, of], most)
               for (question, name), (base, of), most in RATIOS]
    timed = {c.question: c.median for c in found}
    for function, _, _, most in functions.FUNCTIONS:
        scan, call = (question for question, _ in functions.names_of(function))
        checked.append((f"{function} against the scan of its columns", timed[call] / timed[scan], most))
    usual = timed["usual log"] / rows
    checked += [(f"feature_usage of {shape}, a request against one of the usual log", timed[shape] / requests / usual,
                 functions.MOST_OF_SHAPE) for shape, (requests, *_) in functions.SHAPES.items()]
    scan_grows = seconds["scan", "scan, serial"] / small["scan"].median
    checked += [(f"{name}: ten times the rows, against the scan", seconds[question, name] / small[question].median / scan_grows, GROWTH)
                for question, name in (("retention", "retention_matrix, serial"), ("funnel", "funnel, serial"))]
    checked += [("bytes of state a user", memory, USER_BYTES),
                ("one user's row over twice the index scan, ms", 1000 * (pair[1].median - 2 * pair[0].median), ONE_USER_MS)]
    missed = [f"falls short: {words}: {value:.2f}, at most {most}" for words, value, most in checked if value > most]
    return [*missed, f"{len(checked) - len(missed)} of {len(checked)} aims held"]
