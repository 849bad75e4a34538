"""The jobs of an application of rq."""

import os

import redis


def count(n):
    r = redis.Redis(host=os.environ["HOLDFAST_TEST_HOST"], port=int(os.environ["HOLDFAST_TEST_PORT"]), db=9)
    r.hincrby("runs", n, 1)
    return n * n


def fail():
    raise ValueError("as it should")
