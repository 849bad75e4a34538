# What an application does with redis-rb: values, pipelines, transactions, scripts, messages, streams.
require "redis"

HOST, PORT = ENV.fetch("HOLDFAST_TEST_HOST"), Integer(ENV.fetch("HOLDFAST_TEST_PORT"))

def connect(db)
  Redis.new(host: HOST, port: PORT, db: db).tap(&:flushdb)
end

def expect(what, got, want)
  raise "#{what} is #{got.inspect}, not #{want.inspect}" unless got == want
end

r = connect(0)
expect "set", r.set("k", "v", ex: 100), "OK"
expect "get", r.get("k"), "v"
expect "ttl", (98..100).cover?(r.ttl("k")), true
expect "hash", (r.hset("h", "a", 1, "b", 2); r.hgetall("h")), { "a" => "1", "b" => "2" }
expect "list", (r.rpush("l", [1, 2, 3]); r.lrange("l", 0, -1)), %w[1 2 3]
expect "sorted set", (r.zadd("z", [[1.5, "x"], [2, "y"]]); r.zrange("z", 0, -1, with_scores: true)), [["x", 1.5], ["y", 2.0]]
expect "scan", (r.mset(*(0...300).flat_map { |i| ["scan:#{i}", i] }); r.scan_each(match: "scan:*").to_a.uniq.size), 300
expect "pipeline", r.pipelined { |p| 1000.times { |i| p.rpush("list", i) } }.last, 1000
expect "transaction", r.multi { |m| m.set("a", 1); m.incr("a") }, ["OK", 2]
begin
  r.lpush("k", 1)
  raise "a push to a string went well"
rescue Redis::CommandError => e
  expect "error", e.message.start_with?("WRONGTYPE"), true
end
sha = r.script(:load, "return {KEYS[1], ARGV[1]}")
expect "script", r.evalsha(sha, ["k"], ["v"]), %w[k v]

got = []
listener = Thread.new do
  connect(1).subscribe("news", "end") do |on|
    on.subscribe { |_, n| got << n }
    on.message { |channel, text| channel == "end" ? Thread.exit : got << text }
  end
end
Thread.pass until got.size == 2
expect "hearers", r.publish("news", "hello"), 1
r.publish("end", "")
listener.join
expect "messages", got, [1, 2, "hello"]

s = connect(2)
s.xgroup(:create, "events", "group", "0", mkstream: true)
ids = (0...10).map { |i| s.xadd("events", { n: i }) }
expect "entries", s.xreadgroup("group", "a", "events", ">", count: 4)["events"].map(&:first), ids[0, 4]
expect "acknowledged", s.xack("events", "group", ids[0, 3]), 3
expect "pending", s.xpending("events", "group")["size"], 1
expect "popped", (s.rpush("queue", "job"); s.blpop("queue", timeout: 5)), %w[queue job]
puts "redis-rb #{Redis::VERSION} passed"
