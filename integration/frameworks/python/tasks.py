"""The tasks of an application of Celery."""

import os

import celery
import redis

address = f"redis://{os.environ['HOLDFAST_TEST_HOST']}:{os.environ['HOLDFAST_TEST_PORT']}"
app = celery.Celery("tasks", broker=f"{address}/10", backend=f"{address}/11")
app.conf.task_acks_late = True


def runs():
    return redis.Redis.from_url(f"{address}/12")


@app.task
def square(n):
    runs().hincrby("runs", n, 1)
    return n * n


@app.task
def total(numbers):
    return sum(numbers)


@app.task(bind=True, max_retries=3)
def second_time(self):
    if self.request.retries == 0:
        raise self.retry(countdown=0.1)
    return "well"


@app.task
def fail():
    raise ValueError("as it should")
