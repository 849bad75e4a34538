// rate-limiter-flexible: so many requests and no more, however many come at once.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { BurstyRateLimiter, RateLimiterRedis } from "rate-limiter-flexible";
import { host, port } from "./server.mjs";

const client = new Redis({ host, port, db: 4, enableOfflineQueue: false });
await new Promise((resolve) => client.once("ready", resolve));
await client.flushdb();
const limiter = new RateLimiterRedis({ storeClient: client, points: 10, duration: 60, blockDuration: 300 });
const tried = await Promise.allSettled(Array.from({ length: 50 }, () => limiter.consume("visitor")));
assert.equal(tried.filter((t) => t.status === "fulfilled").length, 10);
assert.ok(tried.find((t) => t.status === "rejected").reason.msBeforeNext > 50_000);
assert.ok((await limiter.get("visitor")).consumedPoints > 10);
assert.equal(await limiter.delete("visitor"), true);
assert.equal((await limiter.consume("visitor", 3)).remainingPoints, 7);
assert.equal((await limiter.penalty("visitor", 2)).consumedPoints, 5);
assert.equal((await limiter.reward("visitor", 1)).consumedPoints, 4);
const bursty = new BurstyRateLimiter(
  new RateLimiterRedis({ storeClient: client, keyPrefix: "slow", points: 2, duration: 60 }),
  new RateLimiterRedis({ storeClient: client, keyPrefix: "burst", points: 5, duration: 60 }),
);
const burst = await Promise.allSettled(Array.from({ length: 10 }, () => bursty.consume("visitor")));
assert.equal(burst.filter((t) => t.status === "fulfilled").length, 7);
client.disconnect();
console.log("rate-limiter-flexible", JSON.parse(readFileSync("node_modules/rate-limiter-flexible/package.json")).version, "passed");
