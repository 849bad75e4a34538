"""What an application does with redis-py: values, pipelines, transactions, locks, scripts, messages, streams."""

import os
import threading
import time

import redis

host, port = os.environ["HOLDFAST_TEST_HOST"], int(os.environ["HOLDFAST_TEST_PORT"])


def connect(db):
    client = redis.Redis(host=host, port=port, db=db, decode_responses=True)
    client.flushdb()
    return client


def values(r):
    assert r.set("k", "v", ex=100) and r.get("k") == "v" and 98 <= r.ttl("k") <= 100
    assert r.set("k", "w", nx=True) is None and r.get("k") == "v"
    assert r.incr("n", 5) == 5 and r.incrbyfloat("f", 0.5) == 0.5
    assert r.hset("h", mapping={"a": 1, "b": 2}) == 2 and r.hgetall("h") == {"a": "1", "b": "2"}
    assert r.rpush("l", 1, 2, 3) == 3 and r.lrange("l", 0, -1) == ["1", "2", "3"]
    assert r.zadd("z", {"x": 1.5, "y": 2}) == 2 and r.zrange("z", 0, -1, withscores=True) == [("x", 1.5), ("y", 2.0)]
    assert r.sadd("s", "a", "b") == 2 and r.smembers("s") == {"a", "b"}
    r.mset({f"scan:{i}": i for i in range(300)})
    assert len(set(r.scan_iter("scan:*", count=40))) == 300
    assert r.info("server")["redis_version"] and r.config_get("maxmemory") == {"maxmemory": "0"}
    assert r.sort("l", desc=True) == ["3", "2", "1"] and r.object("encoding", "n") == "int"
    try:
        r.lpush("k", 1)
        raise AssertionError("a push to a string went well")
    except redis.ResponseError as error:
        assert str(error).startswith("WRONGTYPE")


def transactions(r):
    with r.pipeline() as p:
        for i in range(1000):
            p.rpush("list", i)
        assert p.execute()[-1] == 1000

    def increment():
        for _ in range(25):
            r.transaction(lambda p: (lambda n: (p.multi(), p.set("counter", n + 1)))(int(p.get("counter") or 0)), "counter")

    threads = [threading.Thread(target=increment) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert r.get("counter") == "100", r.get("counter")


def locks(r):
    inside, most = [], [0]

    def work():
        for _ in range(10):
            with r.lock("lock", timeout=20, sleep=0.005):
                inside.append(1)
                most[0] = max(most[0], len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert most[0] == 1 and not r.exists("lock")
    script = r.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1]) * 2")
    r.script_flush()
    assert script(keys=["doubled"], args=[21]) == 42


def messages(r):
    sub = r.pubsub()
    sub.subscribe("news")
    sub.psubscribe("chat.*")
    assert [sub.get_message(timeout=5)["type"] for _ in range(2)] == ["subscribe", "psubscribe"]
    assert r.publish("news", "hello") == 1 and r.publish("chat.py", "there") == 1
    got = [sub.get_message(timeout=5) for _ in range(2)]
    assert [(m["type"], m["channel"], m["data"]) for m in got] == [("message", "news", "hello"), ("pmessage", "chat.py", "there")]
    sub.close()


def streams(r):
    r.xgroup_create("events", "group", id="0", mkstream=True)
    ids = [r.xadd("events", {"n": i}, maxlen=1000) for i in range(20)]
    got = r.xreadgroup("group", "a", {"events": ">"}, count=5, block=1000)
    assert [id for id, _ in got[0][1]] == ids[:5]
    assert r.xack("events", "group", *ids[:3]) == 3 and r.xpending("events", "group")["pending"] == 2
    assert [m[0] for m in r.xclaim("events", "group", "b", 0, ids[3:5])] == ids[3:5]
    assert r.xlen("events") == 20 and r.xinfo_groups("events")[0]["pending"] == 2


def users(r):
    r.acl_setuser("py", enabled=True, passwords=["+secret"], categories=["+@read"], keys=["py:*"])
    other = redis.Redis(host=host, port=port, db=5, username="py", password="secret")
    try:
        other.set("py:1", 1)
        raise AssertionError("a forbidden command went well")
    except redis.exceptions.NoPermissionError:
        pass
    assert r.acl_getuser("py")["commands"] == ["+@read"] or "+@read" in str(r.acl_getuser("py"))
    assert r.acl_deluser("py") == 1


def waiting(r):
    timer = threading.Timer(0.05, lambda: connectless().rpush("queue", "job"))
    timer.start()
    assert r.blpop("queue", timeout=10) == ("queue", "job")
    began = time.monotonic()
    assert r.blpop("queue", timeout=1) is None and time.monotonic() - began >= 0.9


def connectless():
    return redis.Redis(host=host, port=port, db=6)


for db, test in enumerate([values, transactions, locks, messages, streams, users, waiting]):
    test(connect(db))
print("redis-py", redis.__version__, "passed")
