"""rq: jobs queued, the server killed by SIGKILL, and a worker that does all of them."""

import os
import sys
import time

import redis
import rq
from rq.registry import FailedJobRegistry

import jobs

host, port = os.environ["HOLDFAST_TEST_HOST"], int(os.environ["HOLDFAST_TEST_PORT"])


def await_server():
    deadline = time.monotonic() + 30
    while True:
        try:
            return redis.Redis(host=host, port=port, db=8).ping()
        except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


r = redis.Redis(host=host, port=port, db=8)
queue = rq.Queue("work", connection=r)
queued = [queue.enqueue(jobs.count, i, result_ttl=500) for i in range(30)]
bad = queue.enqueue(jobs.fail)
pid = r.info("server")["process_id"]
print("@crash", flush=True)
deadline = time.monotonic() + 30
while True:  # until another process answers
    try:
        if redis.Redis(host=host, port=port).info("server")["process_id"] != pid:
            break
    except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
        pass
    assert time.monotonic() < deadline, "the server did not come back"
    time.sleep(0.02)
await_server()
rq.SimpleWorker([queue], connection=r).work(burst=True, logging_level="ERROR")
assert [job.result for job in queued] == [i * i for i in range(30)]
runs = redis.Redis(host=host, port=port, db=9).hgetall("runs")
assert len(runs) == 30 and set(runs.values()) == {b"1"}, runs
assert bad.id in FailedJobRegistry(queue=queue) and len(queue) == 0
print("rq", rq.VERSION, "on Python", sys.version.split()[0], "passed")
