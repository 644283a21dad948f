package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// options are what the flags say.
type options struct {
	root     string
	godwit   string
	engines  []string
	peer     []string // nil: none
	conns    int
	loops    int
	rounds   int
	duration time.Duration
}

// measured is a case by name.
type measured struct {
	name, about string
	run         func(ctx context.Context, o *options) (*table, error)
	present     func(o *options) error // whether it can run; nil: always
}

// everything is all cases, in the order in which they run.
func everything() []measured {
	var all []measured
	for _, c := range httpCases {
		all = append(all, measured{c.name, c.about, c.run, c.present})
	}
	return append(all,
		measured{name: "beside", about: "latency beside guests that loop", run: besideLoops},
		measured{name: "deadline", about: "how late a guest that loops is ended", run: lateness},
		measured{name: "gc", about: "Go's collector beside guests that loop", run: collector},
		measured{name: "start", about: "from a process's start to its first answer", run: firstAnswer})
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == bareArg {
		if err := serveBare(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := measure(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// measure is the whole of the command.
func measure(args []string) error {
	o := &options{}
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.StringVar(&o.root, "root", ".", "root of the repository, where the guests are")
	f.StringVar(&o.godwit, "godwit", filepath.Join("bin", "godwit"), "the godwit command")
	engines := f.String("engines", "compiler,interpreter", "how godwit runs core code, one after the other")
	peer := f.String("peer", "", "another server to compare with: a command with {addr} and {wasm}, split at blanks")
	f.IntVar(&o.conns, "conns", 32, "connections")
	f.IntVar(&o.loops, "loops", 1, "guests that loop, for the cases beside and gc")
	f.IntVar(&o.rounds, "rounds", 5, "rounds")
	f.DurationVar(&o.duration, "duration", 2*time.Second, "length of a round")
	format := f.String("format", "text", "form of the report: text or json")
	list := f.Bool("list", false, "list the cases")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	all := everything()
	if *list {
		for _, m := range all {
			fmt.Printf("%-10s %s\n", m.name, m.about)
		}
		return nil
	}
	o.engines, o.peer = strings.Split(*engines, ","), strings.Fields(*peer)
	if err := o.check(*format); err != nil {
		return err
	}
	chosen, err := o.choose(all, f.Args())
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r := newReport()
	var failed []error
	for _, m := range chosen {
		fmt.Fprintf(os.Stderr, "%s: %s\n", m.name, m.about)
		t, err := m.run(ctx, o)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", m.name, err))
			continue
		}
		r.Cases = append(r.Cases, t)
	}
	return errors.Join(append(failed, r.write(os.Stdout, *format))...)
}

func (o *options) check(format string) error {
	if len(o.peer) == 0 {
		o.peer = nil
	} else if !slices.ContainsFunc(o.peer, func(a string) bool { return strings.Contains(a, "{addr}") }) {
		return errors.New("-peer: the command must say {addr} where the address to listen on belongs")
	}
	for _, e := range o.engines {
		if _, ok := kinds[e]; !ok {
			return fmt.Errorf("-engines %q: they are compiler, interpreter and auto", e)
		}
	}
	if o.conns < 1 || o.rounds < 1 || o.loops < 1 || o.duration <= 0 {
		return errors.New("-conns, -loops, -rounds and -duration are more than 0")
	}
	if format != "text" && format != "json" {
		return fmt.Errorf("-format %q: it is text or json", format)
	}
	if _, err := os.Stat(o.godwit); err != nil {
		return fmt.Errorf("-godwit: %w; make build writes it", err)
	}
	return nil
}

// choose picks cases by their names; no names are all whose guest is built.
func (o *options) choose(all []measured, names []string) ([]measured, error) {
	var out []measured
	if len(names) == 0 {
		for _, m := range all {
			if m.present != nil && m.present(o) != nil {
				fmt.Fprintf(os.Stderr, "%s: left out: %v\n", m.name, m.present(o))
				continue
			}
			out = append(out, m)
		}
		return out, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(all, func(m measured) bool { return m.name == name })
		if i < 0 {
			return nil, fmt.Errorf("%q is not a case; -list says what there is", name)
		}
		if all[i].present != nil {
			if err := all[i].present(o); err != nil {
				return nil, err
			}
		}
		out = append(out, all[i])
	}
	return out, nil
}
