// @socket.io/redis-adapter: two servers of one application, whose clients hear each other.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { io } from "socket.io-client";
import { until, url } from "./server.mjs";

const clients = [];
async function serve() {
  const pub = await createClient({ url: url(0) }).connect();
  const sub = await pub.duplicate().connect();
  clients.push(pub, sub);
  const http = createServer().listen(0, "127.0.0.1");
  await once(http, "listening");
  const server = new Server(http, { adapter: createAdapter(pub, sub) });
  server.on("connection", (socket) => {
    socket.on("join", (room, done) => {
      socket.join(room);
      done();
    });
    socket.on("say", (room, text) => server.to(room).emit("said", text));
  });
  return { server, http, port: http.address().port };
}

const [one, two] = [await serve(), await serve()];
const visitors = [one, one, two, two].map(({ port }) => io(`http://127.0.0.1:${port}`, { transports: ["websocket"] }));
await Promise.all(visitors.map((v) => once(v, "connect")));
const heard = visitors.map(() => []);
visitors.forEach((v, i) => v.on("said", (text) => heard[i].push(text)));
await Promise.all([0, 2].map((i) => visitors[i].emitWithAck("join", "room")));
for (let i = 0; i < 50; i++) visitors[3].emit("say", "room", i);
await until("everything heard", 20, () => heard[0].length === 50 && heard[2].length === 50);
const all = Array.from({ length: 50 }, (_, i) => i);
assert.deepEqual(heard, [all, [], all, []]);
assert.equal((await one.server.fetchSockets()).length, 4);
assert.deepEqual((await two.server.in("room").fetchSockets()).length, 2);
const hello = new Promise((resolve) => two.server.on("hello", resolve));
one.server.serverSideEmit("hello", 1);
assert.equal(await hello, 1);
visitors.forEach((v) => v.disconnect());
for (const { server } of [one, two]) await server.close();
await Promise.all(clients.map((c) => c.close()));
console.log("@socket.io/redis-adapter", JSON.parse(readFileSync("node_modules/@socket.io/redis-adapter/package.json")).version, "passed");
