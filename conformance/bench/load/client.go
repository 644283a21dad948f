package main

import (
	"sync"
	"time"
)

// load is requests to one address.
type load struct {
	addr    string
	request []byte
	want    *answer
	conns   int
	// every is the time between the requests of a connection; 0 sends the next
	// when the last was answered.
	every time.Duration
}

// outcome is what came of a load.
type outcome struct {
	latency histogram
	errors  int
	first   error // of the errors
	took    time.Duration
}

// perSecond is the rate of requests that were answered.
func (o *outcome) perSecond() float64 { return float64(o.latency.count) / o.took.Seconds() }

// run puts the load on for a time.
func (l *load) run(d time.Duration) *outcome {
	var (
		mu    sync.Mutex
		all   outcome
		wg    sync.WaitGroup
		start = time.Now()
	)
	for k := range l.conns {
		wg.Go(func() {
			var o outcome
			l.connection(&o, start.Add(l.every*time.Duration(k)/time.Duration(l.conns)), start.Add(d))
			mu.Lock()
			defer mu.Unlock()
			all.latency.merge(&o.latency)
			all.errors += o.errors
			if all.first == nil {
				all.first = o.first
			}
		})
	}
	wg.Wait()
	all.took = time.Since(start)
	return &all
}

// connection sends requests from due until end over one connection, or another
// when it breaks.
func (l *load) connection(o *outcome, due, end time.Time) {
	var c *conn
	defer func() {
		if c != nil {
			c.Close()
		}
	}()
	for {
		if l.every > 0 {
			time.Sleep(time.Until(due))
		}
		start := time.Now()
		if start.After(end) {
			return
		}
		if l.every > 0 {
			start, due = due, due.Add(l.every)
		}
		if err := l.once(&c); err != nil {
			o.errors++
			if o.first == nil {
				o.first = err
			}
			if c == nil {
				time.Sleep(time.Millisecond) // the server refuses: no busy loop
			}
			continue
		}
		o.latency.add(time.Since(start))
	}
}

// once sends one request over *c and makes it anew when there is none; a
// connection that is of no more use is closed and forgotten.
func (l *load) once(c **conn) (err error) {
	if *c == nil {
		if *c, err = dial(l.addr); err != nil {
			*c = nil
			return err
		}
	}
	if err = (*c).check(l.request, l.want); err != nil || (*c).closes {
		(*c).Close()
		*c = nil
	}
	return err
}

// check asks and compares the answer with the one that is wanted.
func (c *conn) check(request []byte, want *answer) error {
	e := expected{left: want.Body}
	if _, err := c.ask(request, want.Status, &e); err != nil {
		return err
	}
	if len(e.left) > 0 {
		return errBody
	}
	return nil
}
