// What an application does with node-redis: values, pipelines, transactions, scripts, messages, streams, cached reads.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createClient, defineScript, WatchError } from "redis";
import { url } from "./server.mjs";

const double = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: "return redis.call('INCRBY', KEYS[1], ARGV[1]) * 2",
  parseCommand(parser, key, by) {
    parser.pushKey(key);
    parser.push(by.toString());
  },
  transformReply: (reply) => reply,
});

for (const RESP of [2, 3]) {
  const c = await createClient({ url: url(2), RESP, scripts: { double } }).connect();
  await c.flushDb();
  assert.equal(await c.set("k", "v", { expiration: { type: "EX", value: 100 } }), "OK");
  assert.equal(await c.get("k"), "v");
  assert.equal(await c.get("nothing"), null);
  await c.hSet("h", { a: "1", b: "2" });
  assert.deepEqual({ ...(await c.hGetAll("h")) }, { a: "1", b: "2" });
  await c.zAdd("z", [{ score: 1.5, value: "x" }, { score: 2, value: "y" }]);
  assert.deepEqual((await c.zRangeWithScores("z", 0, -1)).map((e) => ({ ...e })), [{ value: "x", score: 1.5 }, { value: "y", score: 2 }]);
  await assert.rejects(c.lPush("k", "1"), /WRONGTYPE/);
  const lengths = await Promise.all(Array.from({ length: 1000 }, (_, i) => c.rPush("list", String(i))));
  assert.equal(lengths.at(-1), 1000);
  assert.deepEqual(await c.multi().set("a", "1").incr("a").exec(), ["OK", 2]);
  const w = await c.duplicate().connect();
  await w.watch("a");
  await c.set("a", "9");
  await assert.rejects(w.multi().set("a", "1").exec(), WatchError);
  await c.scriptFlush();
  assert.equal(await c.double("n", 21), 42);
  await c.mSet(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`scan:${i}`, String(i)])));
  const seen = new Set();
  for await (const keys of c.scanIterator({ MATCH: "scan:*", COUNT: 40 })) keys.forEach((k) => seen.add(k));
  assert.equal(seen.size, 300);

  const sub = await c.duplicate().connect();
  const heard = [];
  await sub.subscribe("news", (text) => heard.push(text));
  await sub.pSubscribe("chat.*", (text, channel) => heard.push(`${channel} ${text}`));
  await sub.sSubscribe("shard", (text) => heard.push(text));
  assert.equal(await c.publish("news", "hello"), 1);
  assert.equal(await c.publish("chat.js", "there"), 1);
  assert.equal(await c.sPublish("shard", "too"), 1);
  await sub.ping();
  assert.deepEqual(heard, ["hello", "chat.js there", "too"]);

  await c.xGroupCreate("events", "group", "0", { MKSTREAM: true });
  const ids = [];
  for (let i = 0; i < 10; i++) ids.push(await c.xAdd("events", "*", { n: String(i) }));
  const [stream] = await c.xReadGroup("group", "a", { key: "events", id: ">" }, { COUNT: 4 });
  assert.deepEqual(stream.messages.map((m) => m.id), ids.slice(0, 4));
  assert.equal(await c.xAck("events", "group", ids.slice(0, 3)), 3);
  const popped = w.blPop("queue", 10);
  await c.rPush("queue", "job");
  assert.deepEqual({ ...(await popped) }, { key: "queue", element: "job" });
  for (const client of [c, w, sub]) client.destroy();
}
console.log("redis", JSON.parse(readFileSync("node_modules/redis/package.json")).version, "passed");
