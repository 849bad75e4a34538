// BullMQ: a fleet of workers goes on across a kill -9 of the server in the middle. No job is lost, and none is done twice but those
// that were being done at that moment: BullMQ promises at least once, and such a job is stalled.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { FlowProducer, Queue, QueueEvents, Worker } from "bullmq";
import { crash, host, port, until } from "./server.mjs";

const jobs = 400;
const fleet = 5;
const concurrency = 4;
const connection = { host, port, db: 6, maxRetriesPerRequest: null };
const quiet = (thing) => thing.on("error", () => {}); // connections come back by themselves

const queue = quiet(new Queue("work", { connection }));
const runs = new Map(); // by job: how often it was done
const running = new Set();
let atCrash;

async function work(job) {
  running.add(job.id);
  await new Promise((resolve) => setTimeout(resolve, 5));
  runs.set(job.id, (runs.get(job.id) ?? 0) + 1);
  if (runs.size === jobs / 4 && !atCrash) {
    atCrash = new Set(running);
    crash();
  }
  running.delete(job.id);
  return job.data.n * 2;
}

await queue.addBulk(Array.from({ length: jobs }, (_, n) => ({ name: "work", data: { n }, opts: { attempts: 3 } })));
const workers = Array.from({ length: fleet }, () => quiet(new Worker("work", work, {
  connection, concurrency, lockDuration: 2000, stalledInterval: 1000, maxStalledCount: 5,
})));
// Jobs that are added while the server is away wait in the client, and are not lost either.
const late = [];
await until("the crash", 60, () => atCrash);
for (let n = jobs; n < jobs + 50; n++) late.push(queue.add("work", { n }, { attempts: 3 }));
await Promise.all(late);
await until("all jobs done", 90, async () => (await queue.getJobCounts("completed")).completed === jobs + 50);

const completed = await queue.getJobs(["completed"], 0, -1);
assert.equal(completed.length, jobs + 50);
assert.ok(completed.every((job) => job.returnvalue === job.data.n * 2));
const counts = await queue.getJobCounts("wait", "active", "failed", "delayed");
assert.deepEqual(counts, { wait: 0, active: 0, failed: 0, delayed: 0 });
const twice = completed.filter((job) => runs.get(job.id) > 1);
assert.ok(completed.every((job) => runs.get(job.id) >= 1));
assert.ok(twice.length <= 2 * fleet * concurrency, `${twice.length} jobs were done twice`);

// Delays, priorities, repetition, parents and children, events.
const events = quiet(new QueueEvents("other", { connection }));
await events.waitUntilReady();
const other = quiet(new Queue("other", { connection }));
const order = [];
await other.pause();
await other.add("low", {}, { priority: 10 });
const high = await other.add("high", {}, { priority: 1 });
const later = await other.add("later", {}, { delay: 300 });
const other1 = quiet(new Worker("other", async (job) => {
  order.push(job.name);
  if (job.name === "parent") return Object.values(await job.getChildrenValues()).sort();
  if (job.name === "bad") throw new Error("as it should");
  return job.name;
}, { connection }));
await other.resume();
assert.equal(await high.waitUntilFinished(events, 20_000), "high");
assert.equal(await later.waitUntilFinished(events, 20_000), "later");
assert.deepEqual(order, ["high", "low", "later"]);
const flow = quiet(new FlowProducer({ connection }));
const tree = await flow.add({
  name: "parent", queueName: "other",
  children: ["a", "b"].map((name) => ({ name, queueName: "other" })),
});
assert.deepEqual(await tree.job.waitUntilFinished(events, 20_000), ["a", "b"]);
const bad = await other.add("bad", {}, { attempts: 2, backoff: 50 });
await assert.rejects(bad.waitUntilFinished(events, 20_000), /as it should/);
await other.upsertJobScheduler("often", { every: 50 }, { name: "tick" });
await until("ticks", 20, () => order.filter((name) => name === "tick").length >= 3);
await other.removeJobScheduler("often");
await Promise.all([...workers, other1].map((w) => w.close()));
await Promise.all([queue, other, events, flow].map((c) => c.close()));
console.log("bullmq", JSON.parse(readFileSync("node_modules/bullmq/package.json")).version, `passed; ${twice.length} jobs were done twice`);
