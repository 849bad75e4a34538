"""Celery: tasks queued, the server killed by SIGKILL, and a worker that does all of them; groups, chords, retries, remote control."""

import subprocess
import sys
import time

import celery
import redis

import tasks


def process():
    try:
        return redis.Redis.from_url(tasks.address).info("server")["process_id"]
    except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
        return None


queued = [tasks.square.delay(n) for n in range(50)]
pid = process()
print("@crash", flush=True)
deadline = time.monotonic() + 30
while process() in (None, pid):
    assert time.monotonic() < deadline, "the server did not come back"
    time.sleep(0.02)
worker = subprocess.Popen(
    [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-c", "2", "-n", "worker@here", "--loglevel", "ERROR"],
    stdout=subprocess.DEVNULL,
)
try:
    assert [t.get(timeout=60) for t in queued] == [n * n for n in range(50)]
    done = tasks.runs().hgetall("runs")
    assert len(done) == 50 and set(done.values()) == {b"1"}, done
    chord = celery.chord([tasks.square.s(n) for n in range(100, 120)], tasks.total.s())
    assert chord().get(timeout=60) == sum(n * n for n in range(100, 120))
    chain = celery.chain(tasks.square.s(3), tasks.square.s(), tasks.square.s())
    assert chain().get(timeout=60) == 6561
    assert tasks.second_time.delay().get(timeout=60) == "well"
    began = time.monotonic()
    assert tasks.square.apply_async((7,), countdown=1).get(timeout=60) == 49 and time.monotonic() - began >= 0.9
    try:
        tasks.fail.delay().get(timeout=60)
        raise AssertionError("a task that fails went well")
    except ValueError as error:
        assert str(error) == "as it should"
    assert tasks.app.control.ping(timeout=2) == [{"worker@here": {"ok": "pong"}}]
finally:
    worker.terminate()
    worker.wait(30)
print("celery", celery.__version__, "passed")
