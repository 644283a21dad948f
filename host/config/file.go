package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/joho/godotenv"
)

// MaxFile is the longest file of settings, in bytes.
const MaxFile = 1 << 20

// maxDepth is how deep tables and arrays may be in one another.
const maxDepth = 32

// FileError is what is wrong with a file of settings. Line and Column count from
// 1; 0 is not known.
type FileError struct {
	Path         string
	Line, Column int
	Err          error
}

func (e *FileError) Error() string {
	at := e.Path
	if e.Line > 0 {
		at += ":" + strconv.Itoa(e.Line)
		if e.Column > 0 {
			at += ":" + strconv.Itoa(e.Column)
		}
	}
	return at + ": " + e.Err.Error()
}

func (e *FileError) Unwrap() error { return e.Err }

// ReadFile reads settings from a file; see Parse.
func ReadFile(path string) ([]Setting, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, err
	}
	return Parse(path, b)
}

// Parse reads settings from the text of a file, which is TOML, JSON or .env as
// the end of its path says. A table in another makes a key with a dot: url in
// the table db is db.url. The items of an array have their number, from 0, for
// a key. The error is a *FileError.
func Parse(path string, text []byte) ([]Setting, error) {
	var list []Setting
	var err error
	base := strings.ToLower(filepath.Base(path))
	switch ext := filepath.Ext(base); {
	case len(text) > MaxFile:
		err = fmt.Errorf("it has more than the limit of %d bytes", MaxFile)
	case ext == ".toml":
		list, err = parseTOML(text)
	case ext == ".json":
		list, err = parseJSON(text)
	case ext == ".env", strings.HasPrefix(base, ".env."): // .env, app.env, .env.local
		list, err = parseEnv(text)
	default:
		err = errors.New("the name of a file of settings ends in .toml, .json or .env")
	}
	if err == nil {
		err = checkAll(list)
	}
	var at *FileError
	if errors.As(err, &at) {
		at.Path = path
		return nil, at
	}
	if err != nil {
		return nil, &FileError{Path: path, Err: err}
	}
	return list, nil
}

// checkAll finds a key that is there twice: {"a.b": 1, "a": {"b": 2}}.
func checkAll(list []Setting) error {
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		if err := s.check(); err != nil {
			return err
		}
		if seen[s.Key] {
			return fmt.Errorf("the key %q is there twice", s.Key)
		}
		seen[s.Key] = true
	}
	return nil
}

func parseEnv(text []byte) ([]Setting, error) {
	values, err := godotenv.UnmarshalBytes(text)
	if err != nil {
		return nil, envError(text, err)
	}
	list := make([]Setting, 0, len(values))
	for k, v := range values {
		list = append(list, Setting{Key: k, Value: v})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Key < list[j].Key })
	return list, nil
}

// envError makes a position out of what godotenv quotes of the file, and leaves
// the quotation out: it may be a secret.
func envError(text []byte, err error) error {
	source := strings.ReplaceAll(string(text), "\r\n", "\n") // as godotenv reads it
	message, rest := err.Error(), ""
	if before, quoted, ok := strings.Cut(message, " near "); ok {
		message = before
		rest, _ = strconv.Unquote(quoted)
	} else if before, line, ok := strings.Cut(message, "unterminated quoted value "); ok {
		message = before + "a quoted value does not end"
		if i := strings.Index(source, line); i >= 0 {
			rest = source[i:]
		}
	}
	e := &FileError{Err: errors.New(message)}
	if before, ok := strings.CutSuffix(source, rest); ok && rest != "" {
		e.Line = strings.Count(before, "\n") + 1
	}
	return e
}

func parseTOML(text []byte) ([]Setting, error) {
	var table map[string]any
	if err := toml.Unmarshal(text, &table); err != nil {
		var at toml.ParseError
		if errors.As(err, &at) {
			return nil, &FileError{Line: at.Position.Line, Column: at.Position.Col, Err: errors.New(at.Message)}
		}
		return nil, err
	}
	var f flattener
	err := f.value("", table, 0)
	return f.list, err
}

// flattener makes settings of what a file has.
type flattener struct{ list []Setting }

func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

var errTooDeep = fmt.Errorf("tables and arrays are more than %d deep", maxDepth)

// value adds the settings of a value of TOML that has the key key.
func (f *flattener) value(key string, v any, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for k := range v {
			names = append(names, k)
		}
		sort.Strings(names)
		for _, k := range names {
			if err := f.value(join(key, k), v[k], depth+1); err != nil {
				return err
			}
		}
		return nil
	case []any:
		for i, item := range v {
			if err := f.value(join(key, strconv.Itoa(i)), item, depth+1); err != nil {
				return err
			}
		}
		return nil
	case []map[string]any:
		for i, item := range v {
			if err := f.value(join(key, strconv.Itoa(i)), item, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	text, err := scalar(v)
	if err != nil {
		return fmt.Errorf("key %q: %w", key, err)
	}
	f.list = append(f.list, Setting{Key: key, Value: text})
	return nil
}

// scalar is the text of a value of TOML.
func scalar(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strings.ToLower(strconv.FormatFloat(v, 'g', -1, 64)), nil
	case time.Time:
		switch v.Location().String() { // as the package marks what has no zone
		case "datetime-local":
			return v.Format("2006-01-02T15:04:05.999999999"), nil
		case "date-local":
			return v.Format(time.DateOnly), nil
		case "time-local":
			return v.Format("15:04:05.999999999"), nil
		}
		return v.Format(time.RFC3339Nano), nil
	}
	return "", fmt.Errorf("a %T is not a setting", v)
}

// parseJSON reads tokens, not values: it finds a key that is there twice, and
// numbers stay as they are written.
func parseJSON(text []byte) ([]Setting, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var f flattener
	err := f.document(d)
	if err == nil {
		return f.list, nil
	}
	offset := d.InputOffset() // of the end of the last token that is good
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		offset, err = int64(len(text)), errors.New("the file ends in the middle of a value")
	}
	before := text[:offset]
	line := bytes.Count(before, []byte("\n"))
	return nil, &FileError{Line: line + 1, Column: len(before) - bytes.LastIndexByte(before, '\n'), Err: err}
}

func (f *flattener) document(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return errors.New("it is not an object")
	}
	if err := f.object(d, "", 1); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("there is more after the object")
	}
	return nil
}

// object adds the members of an object whose brace has been read.
func (f *flattener) object(d *json.Decoder, prefix string, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		key, ok := name.(string)
		if !ok {
			return fmt.Errorf("%v is not the name of a member", name)
		}
		if err := f.member(d, join(prefix, key), depth); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// member adds the value that comes next.
func (f *flattener) member(d *json.Decoder, key string, depth int) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return f.object(d, key, depth+1)
		}
		if depth >= maxDepth {
			return errTooDeep
		}
		for i := 0; d.More(); i++ {
			if err := f.member(d, join(key, strconv.Itoa(i)), depth+1); err != nil {
				return err
			}
		}
		_, err := d.Token()
		return err
	case string:
		f.list = append(f.list, Setting{Key: key, Value: t})
	case json.Number:
		f.list = append(f.list, Setting{Key: key, Value: t.String()})
	case bool:
		f.list = append(f.list, Setting{Key: key, Value: strconv.FormatBool(t)})
	default:
		return fmt.Errorf("key %q: null is not a setting; leave the key out", key)
	}
	return nil
}
