"""The oracles: an independent implementation, which shares nothing with the extension, with which results are compared.

A topic is a folder with a `run.py`; `python3 -m oracle` lists them. A file has the same role in every folder that contains
it:

    __init__      what is compared, the number of cases of a run, and the Python packages that are needed
    run           compare_all(cases, seed), which returns how many cases passed and how many failed
    definitions   the expected results
    logs          random input
    cases         random calls, and the laws that results obey
    worked_cases  tests of the oracle itself: unittests that need no server

`kit` contains what the topics share. A topic may build on another one: `usage` extends the logs of `sessions`.
"""
