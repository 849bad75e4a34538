package server

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Everybody hears everything, in the order in which it was published, and from several publishers in one order.
func TestMessagesInOrder(t *testing.T) {
	r := start(t, "loops", "2", "appendfsync", "no")
	const hearers, messages, publishers = 20, 200, 2
	var hearing []*peer
	for range hearers {
		p := r.dial()
		p.expect("[$subscribe $ch :1]", "SUBSCRIBE", "ch")
		hearing = append(hearing, p)
	}
	done := make(chan struct{})
	for i := range publishers {
		p := r.dial()
		go func() {
			defer func() { done <- struct{}{} }()
			for n := range messages {
				p.send("PUBLISH", "ch", fmt.Sprintf("%d-%d", i, n))
				if reply, err := p.in.Decode(); err != nil || reply.Int != hearers {
					t.Errorf("published to %v, %v", show(reply), err)
					return
				}
			}
		}()
	}
	for range publishers {
		<-done
	}
	var order []string
	for i, p := range hearing {
		next := [publishers]int{}
		for n := range publishers * messages {
			got := p.read()
			if i == 0 {
				order = append(order, got)
			} else if got != order[n] {
				t.Fatalf("hearer %d hears %s, the first %s", i, got, order[n])
			}
			who, number, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(got, "[$message $ch $"), "]"), "-")
			from, _ := strconv.Atoi(who)
			if want := strconv.Itoa(next[from]); number != want {
				t.Fatalf("got %s where message %s was due", got, want)
			}
			next[from]++
		}
	}
}

// A message that was published before the end of a subscription comes before the word of that end, and none comes after it.
func TestNoMessageAfterUnsubscribe(t *testing.T) {
	r := start(t, "loops", "2", "appendfsync", "no")
	p, publisher := r.dial(), r.dial()
	quit := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			default:
			}
			publisher.send("PUBLISH", "ch", "x")
			if _, err := publisher.in.Decode(); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for range 300 {
		p.expect("[$subscribe $ch :1]", "SUBSCRIBE", "ch")
		p.send("UNSUBSCRIBE", "ch")
		got := p.read()
		for got == "[$message $ch $x]" {
			got = p.read()
		}
		if got != "[$unsubscribe $ch :0]" {
			t.Fatalf("got %s", got)
		}
		p.expect("+PONG", "PING")
	}
	close(quit)
	<-done
}

// Who does not read is cut off at the limit of his class, and holds up nobody meanwhile.
func TestSlowSubscriberIsCutOff(t *testing.T) {
	r := start(t, "appendfsync", "no", "client-output-buffer-limit", "normal 0 0 0 pubsub 300kb 0 0")
	slow, quick, publisher := r.dial(), r.dial(), r.dial()
	slow.expect("[$subscribe $ch :1]", "SUBSCRIBE", "ch")
	quick.expect("[$subscribe $ch :1]", "SUBSCRIBE", "ch")
	message := strings.Repeat("x", 50_000)
	heard := make(chan struct{}, 10_000)
	go func() {
		for {
			if _, err := quick.in.Decode(); err != nil {
				return
			}
			heard <- struct{}{}
		}
	}()
	published := 0
	quick.deadline(patience)
	for ; r.figure("outHits") == 0; published++ {
		if published == cap(heard) {
			t.Fatal("the limit does not hold")
		}
		publisher.send("PUBLISH", "ch", message)
		publisher.read()
		select {
		case <-heard:
		case <-time.After(patience):
			t.Fatal("the quick one does not hear of it")
		}
	}
	r.until("one is gone", func() bool { return r.figure("connected") == 2 })
	publisher.expect("[$ch :1]", "PUBSUB", "NUMSUB", "ch")
	// A client of the other class may have as much to read: published bytes lie in its buffer.
	publisher.expect("+OK", "SET", "big", message)
	reader := r.dial()
	reader.raw(strings.Repeat(request("GET", "big"), 200))
	publisher.expect("+PONG", "PING")
	for range 200 {
		reader.wants("$" + message)
	}
}

// A message for one who is not to hear it before the log has it waits.
func TestMessageWaitsForTheLog(t *testing.T) {
	r := start(t, "appendfsync", "always")
	p, other := r.dial(), r.dial()
	p.expect("[$subscribe $ch :1]", "SUBSCRIBE", "ch")
	r.slowDisk()
	begun, verdict := r.stall()
	other.raw(request("MULTI") + request("SET", "k", "v") + request("PUBLISH", "ch", "k is v") + request("EXEC"))
	<-begun
	p.quiet()
	r.undisturbed(verdict)
	p.wants("[$message $ch $k is v]")
	other.wants("+OK", "+QUEUED", "+QUEUED", "[+OK :1]")
}

// What one publishes to himself in a transaction comes before its reply, and not within it.
func TestPublishToOneself(t *testing.T) {
	p := start(t).dial()
	p.do("HELLO", "3")
	p.expect("[$subscribe $ch :1]", "SUBSCRIBE", "ch")
	p.raw(request("PUBLISH", "ch", "a") + request("MULTI") + request("PUBLISH", "ch", "b") + request("ECHO", "x") + request("EXEC"))
	p.wants("[$message $ch $a]", ":1", "+OK", "+QUEUED", "+QUEUED", "[$message $ch $b]", "[:1 $x]")
}

// A client that had very many subscriptions goes without holding up others, and leaves nothing behind.
func TestManySubscriptions(t *testing.T) {
	const each, clients = 20_000, 3
	r := start(t, "appendfsync", "no")
	other := r.dial()
	for i := range clients {
		p := r.dial()
		names := []string{"SUBSCRIBE", "common"}
		for n := range each - 1 {
			names = append(names, fmt.Sprintf("channel-%d-%d", i, n))
		}
		p.send(names...)
		for range each {
			p.read()
		}
		p.Close()
	}
	other.expect("[$common :0]", "PUBSUB", "NUMSUB", "common")
	r.until("all subscriptions gone", func() (done bool) {
		r.engine.Do(func() { done = !r.engine.World().PubSub.Leaving() })
		return done
	})
	other.expect("[]", "PUBSUB", "CHANNELS")
}
