// connect-redis: visitors of an Express application keep their sessions across a crash of the server.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { createClient } from "redis";
import { crash, until, url } from "./server.mjs";

const client = createClient({ url: url(3) });
client.on("error", () => {}); // it comes back by itself
await client.connect();
await client.flushDb();
const before = (await client.info("server")).match(/process_id:(\d+)/)[1];

const app = express();
app.use(session({ store: new RedisStore({ client, ttl: 600 }), secret: "x", resave: false, saveUninitialized: false }));
app.get("/", (request, response) => {
  request.session.visits = (request.session.visits ?? 0) + 1;
  response.send(String(request.session.visits));
});
app.get("/out", (request, response) => request.session.destroy(() => response.send("bye")));
const http = app.listen(0, "127.0.0.1");
await once(http, "listening");
const site = `http://127.0.0.1:${http.address().port}`;

const visitors = await Promise.all(Array.from({ length: 20 }, async () => {
  const first = await fetch(site);
  assert.equal(await first.text(), "1");
  return first.headers.get("set-cookie").split(";")[0];
}));
const visit = async (cookie, path = "/") => (await fetch(site + path, { headers: { cookie } })).text();
assert.deepEqual(await Promise.all(visitors.map((v) => visit(v))), Array(20).fill("2"));
crash();
await until("another server", 30, async () => {
  const info = await client.info("server").catch(() => "");
  return info !== "" && !info.includes(`process_id:${before}\r`);
});
assert.deepEqual(await Promise.all(visitors.map((v) => visit(v))), Array(20).fill("3"));
assert.equal(await visit(visitors[0], "/out"), "bye");
assert.equal((await client.keys("sess:*")).length, 19);
assert.ok((await client.ttl((await client.keys("sess:*"))[0])) > 500);
http.close();
http.closeAllConnections();
client.destroy();
console.log("connect-redis", JSON.parse(readFileSync("node_modules/connect-redis/package.json")).version, "passed");
