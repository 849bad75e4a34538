<?php
// What an application does with phpredis: values, pipelines, transactions, scripts, sessions, messages, streams.

function expect(string $what, $got, $want): void {
    if ($got != $want) {
        fwrite(STDERR, "$what is " . var_export($got, true) . ", not " . var_export($want, true) . "\n");
        exit(1);
    }
}

$r = new Redis();
$r->connect(getenv('HOLDFAST_TEST_HOST'), (int) getenv('HOLDFAST_TEST_PORT'));
$r->flushDB();
expect('set', $r->set('k', 'v', ['ex' => 100]), true);
expect('get', $r->get('k'), 'v');
expect('ttl', $r->ttl('k') >= 98, true);
expect('missing', $r->get('nothing'), false);
expect('hash', [$r->hMSet('h', ['a' => 1, 'b' => 2]), $r->hGetAll('h')], [true, ['a' => '1', 'b' => '2']]);
expect('list', [$r->rPush('l', 1, 2, 3), $r->lRange('l', 0, -1)], [3, ['1', '2', '3']]);
expect('sorted set', [$r->zAdd('z', 1.5, 'x', 2, 'y'), $r->zRange('z', 0, -1, true)], [2, ['x' => 1.5, 'y' => 2.0]]);
$pipe = $r->multi(Redis::PIPELINE);
for ($i = 0; $i < 1000; $i++) {
    $pipe->rPush('list', $i);
}
$lengths = $pipe->exec();
expect('pipeline', end($lengths), 1000);
expect('transaction', $r->multi()->set('a', 1)->incr('a')->exec(), [true, 2]);
$r->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
for ($i = 0; $i < 300; $i++) {
    $r->set("scan:$i", $i);
}
$seen = [];
for ($cursor = null; ($keys = $r->scan($cursor, 'scan:*', 50)) !== false;) {
    $seen += array_flip($keys);
}
expect('scan', count($seen), 300);
expect('script', $r->eval('return {KEYS[1], ARGV[1]}', ['k', 'v'], 1), ['k', 'v']);
expect('wrong type', [$r->lPush('k', 1), strpos($r->getLastError(), 'WRONGTYPE')], [false, 0]);
expect('group', $r->xGroup('CREATE', 'events', 'group', '0', true), true);
$ids = [];
for ($i = 0; $i < 10; $i++) {
    $ids[] = $r->xAdd('events', '*', ['n' => $i]);
}
$got = $r->xReadGroup('group', 'a', ['events' => '>'], 4);
expect('entries', array_keys($got['events']), array_slice($ids, 0, 4));
expect('acknowledged', $r->xAck('events', 'group', array_slice($ids, 0, 3)), 3);
expect('popped', [$r->rPush('queue', 'job'), $r->blPop(['queue'], 5)], [1, ['queue', 'job']]);

// Sessions in the server, with locks against a second request of the same visitor.
ini_set('session.save_handler', 'redis');
ini_set('session.save_path', 'tcp://' . getenv('HOLDFAST_TEST_HOST') . ':' . getenv('HOLDFAST_TEST_PORT') . '?prefix=sess:');
ini_set('redis.session.locking_enabled', '1');
ini_set('session.use_cookies', '0');
ini_set('session.cache_limiter', '');
for ($visit = 1; $visit <= 3; $visit++) {
    session_id('visitor');
    session_start();
    $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
    expect('visits', $_SESSION['visits'], $visit);
    session_write_close();
}
expect('session', $r->exists('sess:visitor'), 1);

$sub = new Redis();
$sub->connect(getenv('HOLDFAST_TEST_HOST'), (int) getenv('HOLDFAST_TEST_PORT'));
$child = popen(sprintf('%s -r %s', PHP_BINARY, escapeshellarg(sprintf(
    '$r = new Redis(); $r->connect("%s", %d); while ($r->publish("news", "hello") == 0) { usleep(1000); }',
    getenv('HOLDFAST_TEST_HOST'), getenv('HOLDFAST_TEST_PORT')))), 'r');
$heard = null;
try {
    $sub->subscribe(['news'], function ($s, $channel, $text) use (&$heard) {
        $heard = [$channel, $text];
        $s->close();
    });
} catch (RedisException $e) { // as the connection is closed
}
pclose($child);
expect('heard', $heard, ['news', 'hello']);
echo 'phpredis ' . phpversion('redis') . " passed\n";
