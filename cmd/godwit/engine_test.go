package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestEngineFlags(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		flags engineFlags
		usage string // in the error
		log   string
	}{
		{name: "a directory that is not there", flags: engineFlags{kind: "auto", cacheSize: "10M", cacheDir: filepath.Join(dir, "new")}},
		{name: "no cache", flags: engineFlags{kind: "interpreter", cacheSize: "1G", cacheDir: open, noCache: true}},
		{name: "a directory that others can write", flags: engineFlags{kind: "auto", cacheSize: "1G", cacheDir: open}, log: "chmod 700 " + open},
		{name: "an engine that is not", flags: engineFlags{kind: "jit", cacheSize: "1G"}, usage: "--engine"},
		{name: "a size of nothing", flags: engineFlags{kind: "auto", cacheSize: "0"}, usage: "--no-cache"},
		{name: "a size that is none", flags: engineFlags{kind: "auto", cacheSize: "much"}, usage: "--cache-size"},
		{name: "a size that is too much", flags: engineFlags{kind: "auto", cacheSize: "9999999999G"}, usage: "--cache-size"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.log != "" && runtime.GOOS == "windows" {
				t.Skip("files have no mode on Windows")
			}
			var log bytes.Buffer
			e, err := c.flags.engine(context.Background(), slog.New(slog.NewTextHandler(&log, nil)))
			if err == nil {
				defer e.Close(context.Background())
			}
			var exit *exitError
			switch {
			case c.usage == "" && err != nil:
				t.Error(err)
			case c.usage != "" && (!errors.As(err, &exit) || exit.code != exitUsage || !strings.Contains(err.Error(), c.usage)):
				t.Errorf("got error %v, want a usage error that says %q", err, c.usage)
			case (log.Len() > 0) != (c.log != "") || !strings.Contains(log.String(), c.log):
				t.Errorf("the log has %q, want %q in it", log.String(), c.log)
			}
		})
	}
}
