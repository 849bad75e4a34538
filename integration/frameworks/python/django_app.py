"""Django's cache and sessions by django-redis."""

import os
import time

import django
import django.conf
import django_redis

address = f"redis://{os.environ['HOLDFAST_TEST_HOST']}:{os.environ['HOLDFAST_TEST_PORT']}"
backend = "django_redis.cache.RedisCache"
django.conf.settings.configure(
    CACHES={
        "default": {"BACKEND": backend, "LOCATION": f"{address}/1"},
        "zipped": {"BACKEND": backend, "LOCATION": f"{address}/2", "OPTIONS": {
            "COMPRESSOR": "django_redis.compressors.zlib.ZlibCompressor",
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        }},
        "sharded": {"BACKEND": backend, "LOCATION": [f"{address}/3", f"{address}/4"], "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.ShardClient",
        }},
    },
    SESSION_ENGINE="django.contrib.sessions.backends.cache", INSTALLED_APPS=["django.contrib.sessions"], USE_TZ=True,
)
django.setup()

from django.contrib.sessions.backends.cache import SessionStore  # noqa: E402: it needs the settings
from django.core.cache import caches  # noqa: E402


def cached(cache):
    numbers = {f"n{i}": i for i in range(50)}
    cache.set("page", {"title": "x" * 5000}, 30)
    assert cache.get("page") == {"title": "x" * 5000} and 0 < cache.ttl("page") <= 30
    assert cache.add("page", 2) is False and cache.add("other", 2)
    cache.set_many(numbers, timeout=100)
    assert cache.get_many(numbers) == numbers
    assert cache.incr("n1", 5) == 6 and cache.decr("n1", 2) == 4
    assert cache.get_or_set("computed", lambda: 7) == 7 and cache.touch("computed", 1000)
    assert cache.persist("page") and cache.ttl("page") is None
    cache.set("short", 1, timeout=1)
    time.sleep(1.1)
    assert cache.get("short") is None
    assert cache.delete_pattern("n*") == 50 and cache.has_key("page")
    cache.clear()
    assert cache.get("page") is None


for name in caches.settings:
    cached(caches[name])
with caches["default"].lock("lock", timeout=20):
    assert not caches["default"].lock("lock").acquire(blocking=False)
session = SessionStore()
session["user"] = 42
session.save()
again = SessionStore(session_key=session.session_key)
assert again["user"] == 42
again.flush()
assert not SessionStore().exists(session.session_key)
print("django-redis", django_redis.__version__, "on Django", django.get_version(), "passed")
