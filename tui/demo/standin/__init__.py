"""A stand-in for conda, for demo hosts and tests: it solves, fetches, links and unlinks small real packages.

It is no conda: it knows the commands, outputs, exit codes and oddities of conda 26.7.1 that this project meets
(``tests/data/conda-26.7.1``), and acts below its install's root and home alone. It opens no connection but to this
machine. Specs are read and solved, and archives unpacked, by py-rattler; fetching into the package cache, linking,
records and history are its own, because conda's forms, rollback and phases are wanted here, not rattler's.
"""
