"""The oracles: a second statement of what is right, which shares nothing with the extension, asked the same questions.

A topic is a folder with a `run.py`; `python3 -m oracle` lists them. In every folder the same file has the same part, where
the topic has one:

    __init__      what is compared, how many cases a run has, and the packages of Python that are needed
    run           compare_all(cases, seed), which returns how many cases passed and how many failed
    definitions   what is right
    logs          what is asked about
    cases         what is asked, and the laws of the answers
    worked_cases  the oracle's own test: unittests that need no server

`kit` has what the topics share. A topic may build on another one: `usage` asks about logs of `sessions` that say more.
"""
