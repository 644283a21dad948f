package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// show is a list as lines of key=value.
func show(list []Setting) string {
	var b strings.Builder
	for _, s := range list {
		fmt.Fprintf(&b, "%s=%s\n", s.Key, s.Value)
	}
	return b.String()
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, path, text, want string }{
		{"TOML scalars", "a.toml", "s = \"x y\"\ni = -7\nhex = 0xff\nf = 1.50\nbig = 1e30\nb = true\n",
			"b=true\nbig=1e+30\nf=1.5\nhex=255\ni=-7\ns=x y\n"},
		{"TOML tables", "a.toml", "[db]\nurl = \"u\"\n[db.pool]\nsize = 3\n[\"dotted.name\"]\nx = 1\n",
			"db.pool.size=3\ndb.url=u\ndotted.name.x=1\n"},
		{"TOML arrays", "a.toml", "a = [1, \"two\", [3]]\n[[server]]\nhost = \"h0\"\n[[server]]\nhost = \"h1\"\n",
			"a.0=1\na.1=two\na.2.0=3\nserver.0.host=h0\nserver.1.host=h1\n"},
		{"TOML times", "a.toml", "t = 2026-01-02T03:04:05.6Z\no = 2026-01-02T03:04:05+02:00\nl = 2026-01-02T03:04:05\nd = 2026-01-02\nc = 03:04:05\n",
			"c=03:04:05\nd=2026-01-02\nl=2026-01-02T03:04:05\no=2026-01-02T03:04:05+02:00\nt=2026-01-02T03:04:05.6Z\n"},
		{"TOML floats that are no numbers", "a.toml", "i = -inf\nn = nan\n", "i=-inf\nn=nan\n"},
		{"TOML text of several lines", "a.toml", "s = '''\none\ntwo'''\n", "s=one\ntwo\n"},
		{"an empty TOML file", "a.toml", "", ""},
		{"JSON scalars", "a.json", `{"s": "x\ny", "i": -7, "big": 12345678901234567890, "f": 1.50, "e": 1E5, "b": false}`,
			"s=x\ny\ni=-7\nbig=12345678901234567890\nf=1.50\ne=1E5\nb=false\n"},
		{"JSON objects and arrays", "a.JSON", `{"db": {"url": "u", "pool": {"size": 3}}, "a": [1, {"b": 2}, []], "e": {}}`,
			"db.url=u\ndb.pool.size=3\na.0=1\na.1.b=2\n"},
		{"an empty JSON object", "dir/a.json", " {} \n", ""},
		{"variables", "x/.env", "# comment\nA=1\nexport B = two words # comment\nC=\"a\\nb\"\nD='$A'\n\nE=\r\nF=${A}b\n",
			"A=1\nB=two words\nC=a\nb\nD=$A\nE=\nF=1b\n"},
		{"variables, by other names", ".env.local", "A=1\n", "A=1\n"},
		{"variables, by a third", "app.env", "A=1\n", "A=1\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := Parse(c.path, []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, show(list)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The environment of the process does not get into a file that mentions it.
func TestVariablesAreThoseOfTheFile(t *testing.T) {
	t.Setenv("GODWIT_SECRET", "secret")
	list, err := Parse(".env", []byte("A=$GODWIT_SECRET\nB=\"${GODWIT_SECRET}\"\n"))
	if err != nil || show(list) != "A=\nB=\n" {
		t.Fatalf("%q, %v", show(list), err)
	}
}

func TestParseErrorsHaveAPosition(t *testing.T) {
	deep := strings.Repeat(`{"a":`, maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1)
	arrays := `{"a":` + strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1) + "}"
	for _, c := range []struct {
		name, path, text string
		line, column     int
		want             string
	}{
		{"no format", "a.yaml", "a: 1", 0, 0, "ends in .toml, .json or .env"},
		{"no extension", "settings", "a=1", 0, 0, "ends in .toml, .json or .env"},
		{"TOML syntax", "a.toml", "a = 1\nb = \n", 2, 5, "expected value"},
		{"a TOML key twice", "a.toml", "a = 1\nb = 2\na = 3\n", 3, 7, "already been defined"},
		{"a TOML key twice, in two ways", "a.toml", "\"a.b\" = 1\n[a]\nb = 2\n", 0, 0, `"a.b" is there twice`},
		{"TOML too deep", "a.toml", "a = " + strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1), 0, 0, "deep"},
		{"an empty TOML key", "a.toml", "\"\" = 1\n", 0, 0, "empty key"},
		{"JSON syntax", "a.json", "{\n \"a\": 1,\n \"b\": x\n}", 3, 7, "invalid character"},
		{"JSON that ends early", "a.json", "{\n \"a\": [1,", 2, 10, "ends in the middle"},
		{"an empty JSON file", "a.json", "", 1, 1, "ends in the middle"},
		{"a JSON array", "a.json", "[1]", 1, 2, "not an object"},
		{"two JSON objects", "a.json", "{}\n{}", 2, 2, "more after"},
		{"JSON null", "a.json", "{\n\"a\": {\"b\": null}}", 2, 16, `"a.b": null is not a setting`},
		{"a JSON key twice", "a.json", `{"a": 1, "a": 2}`, 0, 0, `"a" is there twice`},
		{"an empty JSON key", "a.json", `{"": 1}`, 0, 0, "empty key"},
		{"JSON too deep", "a.json", deep, 1, len(`{"a":`)*(maxDepth+1) - 3, "deep"},
		{"JSON arrays too deep", "a.json", arrays, 1, len(`{"a":`) + maxDepth + 1, "deep"},
		{"a wrong variable name", ".env", "A=1\nB C=2\nD!=3\n", 3, 0, "unexpected character"},
		{"a quote without an end", ".env", "A=1\nB=\"secret\nC=2\n", 2, 0, "does not end"},
		{"a variable that is not text", ".env", "A=\"\xff\"\n", 0, 0, "not text in UTF-8"},
		{"a long value", "a.json", `{"a": "` + strings.Repeat("x", MaxValue+1) + `"}`, 0, 0, "more than the limit"},
		{"a long key", "a.json", `{"` + strings.Repeat("x", MaxKey+1) + `": 1}`, 0, 0, "more than the limit"},
		{"a long file", "a.toml", strings.Repeat("# comment\n", MaxFile/10+1), 0, 0, "more than the limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := Parse(c.path, []byte(c.text))
			var at *FileError
			if !errors.As(err, &at) {
				t.Fatalf("%q, %v", show(list), err)
			}
			if at.Path != c.path || at.Line != c.line || at.Column != c.column || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: line %d, column %d; wanted %d, %d, %q", err, at.Line, at.Column, c.line, c.column, c.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%v: the error has a part of the file that may be secret", err)
			}
		})
	}
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.toml")
	if err := os.WriteFile(path, []byte("a = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if list, err := ReadFile(path); err != nil || show(list) != "a=1\n" {
		t.Errorf("%q, %v", show(list), err)
	}
	if _, err := ReadFile(path + ".none"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := ReadFile(filepath.Dir(path)); err == nil {
		t.Error("a directory is a file of settings")
	}
}

func TestFromEnvironment(t *testing.T) {
	got := show(FromEnvironment("APP_", []string{
		"APP_LOG_LEVEL=debug", "APP_DB__URL=u=v", "APP_=nothing", "APP_EMPTY=", "OTHER=x", "app_lower=x", "APPLE=x", "APP_NOVALUE",
	}))
	if want := "log_level=debug\ndb.url=u=v\nempty=\n"; got != want {
		t.Errorf("%q, wanted %q", got, want)
	}
}

func TestSettings(t *testing.T) {
	s, err := New([]Setting{{"b", "1"}, {"a", "2"}}, []Setting{{"b", "3"}, {"B", ""}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	all, err := s.GetAll(ctx)
	if got := fmt.Sprint(all); err != nil || got != "[{B } {a 2} {b 3}]" {
		t.Errorf("all are %s, %v", got, err)
	}
	for key, want := range map[string]string{"a": "{true 2}", "b": "{true 3}", "B": "{true }", "": "{false }", "c": "{false }"} {
		if v, err := s.Get(ctx, key); err != nil || fmt.Sprint(v) != want {
			t.Errorf("%q is %v, %v; wanted %s", key, v, err, want)
		}
	}
	var none *Settings
	if all, err := none.GetAll(ctx); err != nil || len(all) > 0 {
		t.Errorf("without settings there are %v, %v", all, err)
	}
	if v, err := none.Get(ctx, "a"); err != nil || v.Some {
		t.Errorf("without settings a is %v, %v", v, err)
	}
}

func TestSettingsAreBounded(t *testing.T) {
	many := make([]Setting, MaxSettings+1)
	for i := range many {
		many[i].Key = fmt.Sprint(i)
	}
	var large []Setting
	for i := range MaxTotal/MaxValue + 1 {
		large = append(large, Setting{fmt.Sprint(i), strings.Repeat("x", MaxValue)})
	}
	for _, c := range []struct {
		list []Setting
		want string
	}{
		{many, "settings are more than"},
		{large, "the settings have"},
		{[]Setting{{"", "x"}}, "empty key"},
		{[]Setting{{strings.Repeat("k", MaxKey+1), ""}}, "the key has"},
		{[]Setting{{"k", strings.Repeat("v", MaxValue+1)}}, "the value has"},
		{[]Setting{{"k", "\xff"}}, "UTF-8"},
	} {
		if _, err := New(c.list); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, wanted %q", err, c.want)
		}
	}
}

// FuzzParse: whatever a file has, there are good settings or an error that has
// its name, in bounded time and depth.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"a = 1\n[b]\nc = [1, {d = 2}]\n[[e]]\nf = 1979-05-27T07:32:00Z\n", `{"a": {"b": [1, "x", true, null]}}`, "A=1\nexport B=\"x\\n${A}\"\n",
		"\xff", "{", "A='", strings.Repeat("[", 100), `{"a.b":1,"a":{"b":2}}`, "a = 9223372036854775807", "A=$A$A", "a = 0x_f", "#",
	} {
		for kind := range 3 {
			f.Add([]byte(s), byte(kind))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, kind byte) {
		path := []string{"f.toml", "f.json", "f.env"}[kind%3]
		list, err := Parse(path, text)
		if err != nil {
			var at *FileError
			if !errors.As(err, &at) || at.Path != path || list != nil {
				t.Fatalf("%v, %v", list, err)
			}
			if at.Line < 0 || at.Line > strings.Count(string(text), "\n")+1 {
				t.Fatalf("line %d of %q", at.Line, text)
			}
			return
		}
		seen := map[string]bool{}
		for _, s := range list {
			if s.Key == "" || seen[s.Key] || !utf8.ValidString(s.Key) || !utf8.ValidString(s.Value) {
				t.Fatalf("%q has the setting %q", text, s)
			}
			seen[s.Key] = true
		}
	})
}
