"""PostgreSQL for the tests: the script that unit tests use too, and a database for each test."""

import itertools

from postgres_server import PgBouncer, PostgresServer

NUMBERS = itertools.count(1)


def fresh_database(postgres):
    """The URL of a database in which there is nothing."""
    name = f"fresh_{next(NUMBERS)}"
    postgres.sql(f"create database {name}")
    return postgres.url(name)


__all__ = ["PgBouncer", "PostgresServer", "fresh_database"]
