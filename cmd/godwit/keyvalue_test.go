package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/host/keyvalue"
)

func TestParseStore(t *testing.T) {
	for _, c := range []struct {
		text string
		want storeSpec // without the location
	}{
		{"default=bolt:./data.db", storeSpec{name: "default", kind: "bolt", place: "./data.db"}},
		{"default=bolt:data.db?max-size=64M", storeSpec{name: "default", kind: "bolt", place: "data.db", maxSize: 64 << 20}},
		{`a=bolt:C:\data=1.db`, storeSpec{name: "a", kind: "bolt", place: `C:\data=1.db`}},
		{"a.b_c-1=memory:", storeSpec{name: "a.b_c-1", kind: "memory"}},
		{"s=rediss://me:p=w@h:6379/0?ca=x", storeSpec{name: "s", kind: "rediss", place: "//"}},
		{"n=nats://h/bucket", storeSpec{name: "n", kind: "nats", place: "//"}},
		{"m=memory:?max-size=1048576", storeSpec{name: "m", kind: "memory", maxSize: 1 << 20}},
	} {
		_, c.want.location, _ = strings.Cut(c.text, "=")
		if c.want.place == "//" {
			_, c.want.place, _ = strings.Cut(c.want.location, ":")
		}
		if got, err := parseStore(c.text); got != c.want || err != nil {
			t.Errorf("%s: %+v, %v; wanted %+v", c.text, got, err, c.want)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"", "NAME=LOCATION"},
		{"data.db", "NAME=LOCATION"},
		{"bolt:./data.db", "NAME=LOCATION"},
		{"bolt:./data=1.db", "NAME=LOCATION"},
		{"=bolt:x", "NAME=LOCATION"},
		{"a b=bolt:x", "NAME=LOCATION"},
		{"default=./data.db", "a file is bolt:./data.db"},
		{"default=", "no kind"},
		{"default=bolt:", "no file"},
		{"default=bolt:?max-size=1M", "no file"},
		{"default=etcd:x", `"etcd" is not a kind of store`},
		{"default=memory:x", "it is memory:"},
		{"default=memory:?size=1", "size is not an option of a memory store; there is max-size"},
		{"default=bolt:x?max-size=0", "not a number of bytes"},
		{"default=bolt:x?max-size=", "not a number of bytes"},
		{"default=bolt:x?max-size=16777215T", "not a number of bytes"},
		{"default=bolt:x?%zz", "name=value"},
	} {
		if got, err := parseStore(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v; wanted %q", c.text, got, err, c.want)
		}
	}
}

func TestAppName(t *testing.T) {
	for path, want := range map[string]string{
		"examples/counter/counter.wasm": "counter", "counter": "counter", "a.b.wasm": "a.b", "my app.wat": "my-app", "ä.wasm": "app",
		".wasm": "app", "-x.wasm": "x", "dir/": "dir", strings.Repeat("n", 100) + ".wasm": strings.Repeat("n", keyvalue.MaxName),
	} {
		if got := appName(path); got != want || keyvalue.CheckName(got) != nil {
			t.Errorf("%s: %s, wanted %s", path, got, want)
		}
	}
}

func TestOpenStores(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data.db")
	f := &dataFlags{keyvalue: []string{"default=bolt:" + file, "other=bolt:" + file, "cache=memory:"}}
	write := func(component, value string) (had map[string]string) {
		t.Helper()
		s, err := f.openStores(component)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		had = map[string]string{}
		for name, b := range s.buckets {
			v, err := b.Get(t.Context(), "k")
			if err == nil {
				had[name] = string(v.Data)
				err = b.Set(t.Context(), "k", []byte(name+value))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return had
	}
	want := func(got map[string]string, def, other, cache string) {
		t.Helper()
		if len(got) != 3 || got["default"] != def || got["other"] != other || got["cache"] != cache {
			t.Errorf("the stores had %q; wanted %q, %q, %q", got, def, other, cache)
		}
	}
	want(write("one.wasm", "1"), "", "", "")
	want(write("dir/one.wasm", "2"), "default1", "other1", "")
	want(write("two.wasm", "3"), "", "", "") // another application
	f.app = "one"
	want(write("three.wasm", "4"), "default2", "other2", "")
}

func TestStoresThatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		app  string
		args []string
		code int
		want string
	}{
		{"", []string{"x"}, exitUsage, "--keyvalue x: it is NAME=LOCATION"},
		{"", []string{"a=memory:", "a=memory:"}, exitUsage, `the name "a" is there twice`},
		{"a b", nil, exitUsage, "--app"},
		{"", []string{"a=bolt:" + dir + "/none/x.db"}, exitFailure, "make its directory first"},
		{"", []string{"a=bolt:" + dir + "/x.db?max-size=1K"}, exitFailure, "too small"},
		{"", []string{"a=etcd://me:secret@host/x?y=z@w"}, exitUsage, "--keyvalue a=etcd://***@host/x?y=z@w: "},
		{"", []string{"a=redis://me:secret@host/x"}, exitFailure, "--keyvalue a=redis://***@host/x: "},
		{"", []string{"a=nats://me:secret@host/a.b"}, exitFailure, "--keyvalue a=nats://***@host/a.b: "},
	} {
		f := &dataFlags{app: c.app, keyvalue: c.args}
		_, err := f.openStores("app.wasm")
		exit, ok := err.(*exitError)
		if !ok || exit.code != c.code || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v; wanted %q and the code %d", c.args, err, c.want, c.code)
		}
	}
}

func TestSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "app.toml")
	if err := os.WriteFile(file, []byte("a = 'file'\nb = 'file'\nc = 'file'\n[d]\ne = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TESTAPP_A", "environment")
	t.Setenv("TESTAPP_B", "environment")
	f := &dataFlags{config: []string{"a=words", "x=y=z", "@" + file, "empty="}, configEnv: []string{"TESTAPP_"}}
	s, err := f.settings()
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.GetAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, kv := range all {
		got = append(got, kv.F0+"="+kv.F1)
	}
	if want := "a=words b=environment c=file d.e=1 empty= x=y=z"; strings.Join(got, " ") != want {
		t.Errorf("%q, wanted %q", got, want)
	}
	for _, c := range []struct {
		flags dataFlags
		want  string
	}{
		{dataFlags{config: []string{"a"}}, "KEY=VALUE or @FILE"},
		{dataFlags{config: []string{"=a"}}, "KEY=VALUE or @FILE"},
		{dataFlags{config: []string{"@" + file + ".none"}}, "--config @"},
		{dataFlags{config: []string{"@"}}, "--config @"},
		{dataFlags{configEnv: []string{""}}, "--config-env-prefix"},
		{dataFlags{config: []string{"a=" + strings.Repeat("x", 100_000)}}, "more than the limit"},
	} {
		if _, err := c.flags.settings(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, wanted %q", c.flags.config, err, c.want)
		}
	}
}

// FuzzParseStore: what a flag says becomes a store, or an error that says how.
func FuzzParseStore(f *testing.F) {
	for _, s := range []string{"default=bolt:./data.db", "m=memory:?max-size=1M", "a=redis://u:p@h:1/0?x=y", "a=nats://h/b", "=", "a=b", "a=bolt:?", "a=memory:?max-size=1&max-size=2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		spec, err := parseStore(s)
		if err != nil {
			return
		}
		if keyvalue.CheckName(spec.name) != nil || spec.name+"="+spec.location != s || spec.maxSize < 0 {
			t.Fatalf("%q: %+v", s, spec)
		}
	})
}
