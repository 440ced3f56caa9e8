"""Common parts of all topics.

    command, packages       running a topic, and its Python environment
    runner, server, shrink  random cases over random logs: comparison, and the smallest failing example
    compare                 comparison of rows
    definitions, days       common definitions; days and instants as numbers
    logs, cases             common parts of the logs and the calls of most topics
"""
