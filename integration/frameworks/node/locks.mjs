// redlock: one at a time, and a lock that is extended, let go, and taken over when its time is up.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import Redlock from "redlock";
import { host, port } from "./server.mjs";

const clients = [5].map((db) => new Redis({ host, port, db }));
await clients[0].flushdb();
const redlock = new Redlock(clients, { retryCount: 500, retryDelay: 10, retryJitter: 10 });
let inside = 0;
let most = 0;
let done = 0;
await Promise.all(Array.from({ length: 20 }, async () => {
  const lock = await redlock.lock("lock", 10_000);
  most = Math.max(most, ++inside);
  await new Promise((resolve) => setTimeout(resolve, 2));
  inside--;
  done++;
  await lock.unlock();
}));
assert.deepEqual([most, done], [1, 20]);
const impatient = new Redlock(clients, { retryCount: 0 });
let lock = await redlock.lock("lock", 10_000);
await assert.rejects(impatient.lock("lock", 1000));
lock = await lock.extend(20_000);
assert.ok((await clients[0].pttl("lock")) > 10_000);
await lock.unlock();
const short = await impatient.lock("lock", 30);
const next = await redlock.lock("lock", 10_000);
await assert.rejects(short.unlock());
await next.unlock();
assert.equal(await clients[0].exists("lock"), 0);
clients.forEach((c) => c.disconnect());
console.log("redlock", JSON.parse(readFileSync("node_modules/redlock/package.json")).version, "passed");
