"""What all topics share.

    command, packages       how a topic is run, and in which Python
    runner, server, shrink  random cases over random logs: who answers, what is wrong, and the smallest example of it
    compare                 whether rows are the right ones
    definitions, days       what means the same everywhere; days and instants as numbers
    logs, cases             what the logs and the questions of most topics have in common
"""
