package bolt_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/host/keyvalue/bolt"
)

// The test binary starts itself as a writer, which gets the file by this
// variable, and kills it.
const writerEnv = "GODWIT_BOLT_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		writer(path)
		return
	}
	os.Exit(m.Run())
}

var bg = context.Background()

const killWriters = 8

// writer writes to the store in path until it is killed, and says so on its
// output after each write that was acknowledged.
func writer(path string) {
	die := func(err error) {
		fmt.Println("error", err)
		os.Exit(1)
	}
	s, err := bolt.Open(bolt.Config{Path: path})
	if err != nil {
		die(err)
	}
	b, err := s.Bucket("app", "default")
	if err != nil {
		die(err)
	}
	var wg sync.WaitGroup
	for w := range killWriters {
		wg.Go(func() {
			name := strconv.Itoa(w)
			for {
				n, err := b.Increment(bg, "n"+name, 1)
				if err != nil {
					die(err)
				}
				text := strconv.FormatInt(n, 10)
				// Long enough for many pages, so that commits are torn in all places.
				if err := b.Set(bg, "set"+name+"/"+strconv.FormatInt(n%50, 10), []byte(text+strings.Repeat("x", int(n)*611%9000))); err != nil {
					die(err)
				}
				if n%7 == 0 {
					if err := b.Delete(bg, "set"+name+"/"+strconv.FormatInt((n+25)%50, 10)); err != nil {
						die(err)
					}
				}
				// One write of the system for each line: a line that was read is whole.
				_, _ = os.Stdout.WriteString(name + " " + text + "\n")
			}
		})
	}
	wg.Wait()
}

// TestKill kills a writer in the middle of its work, many times: every write that
// was acknowledged is there. GODWIT_KILL_ROUNDS sets how many times.
func TestKill(t *testing.T) {
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	if s := os.Getenv("GODWIT_KILL_ROUNDS"); s != "" {
		var err error
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatalf("GODWIT_KILL_ROUNDS=%s is not a number", s)
		}
	}
	path := filepath.Join(t.TempDir(), "data.db")
	acked := make([]int64, killWriters)
	// The increments that a writer was killed after: the Set that follows an
	// increment may not have come.
	last := make([]map[int64]bool, killWriters)
	for w := range last {
		last[w] = map[int64]bool{}
	}
	total := int64(0)
	for round := range rounds {
		killRound(t, path, acked)
		s := open(t, bolt.Config{Path: path})
		b, err := s.Bucket("app", "default")
		if err != nil {
			t.Fatal(err)
		}
		total = 0
		for w := range killWriters {
			n, err := b.Increment(bg, "n"+strconv.Itoa(w), 0)
			if err != nil {
				t.Fatal(err)
			}
			if n < acked[w] {
				t.Fatalf("round %d: writer %d was told of increment %d, and the number is %d", round, w, acked[w], n)
			}
			for i := max(n-24, 1); i < n; i++ { // each was acknowledged before the next increment
				if last[w][i] {
					continue
				}
				key := "set" + strconv.Itoa(w) + "/" + strconv.FormatInt(i%50, 10)
				v, err := b.Get(bg, key)
				want := strconv.FormatInt(i, 10) + strings.Repeat("x", int(i)*611%9000)
				if err != nil || string(v.Data) != want {
					t.Fatalf("round %d: %s has %.20q of %d bytes, %v; wanted %.20q of %d bytes", round, key, v.Data, len(v.Data), err, want, len(want))
				}
			}
			acked[w] = n
			last[w][n] = true
			total += n
		}
		if p, err := b.Keys(bg, 0, 10_000); err != nil || len(p.Keys) > killWriters*51 {
			t.Fatalf("round %d: %d keys are listed, %v", round, len(p.Keys), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d increments, nothing acknowledged was lost", rounds, total)
}

// killRound runs a writer for a while, kills it, and puts into acked what it said
// it was told.
func killRound(t *testing.T, path string, acked []int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	started := false
	for lines.Scan() {
		if !started {
			started = true
			time.AfterFunc(time.Duration(rand.IntN(60_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		}
		name, text, _ := strings.Cut(lines.Text(), " ")
		w, err := strconv.Atoi(name)
		if err != nil {
			t.Errorf("the writer says %q", lines.Text())
			break
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Errorf("the writer says %q", lines.Text())
			break
		}
		acked[w] = max(acked[w], n)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if !started {
		t.Fatal("the writer wrote nothing")
	}
}
