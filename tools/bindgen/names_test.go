package bindgen

import "testing"

func TestGoNamesOfKebabNames(t *testing.T) {
	for _, c := range []struct{ name, kebab, camel, lower string }{
		{"plain words are capitalised", "input-stream", "InputStream", "inputStream"},
		{"initialisms are in one case", "http-request-uri", "HTTPRequestURI", "httpRequestURI"},
		{"upper-case words of WIT are words like others", "DNS-error-payload", "DNSErrorPayload", "dnsErrorPayload"},
		{"upper-case words that Go does not know are capitalised", "NOT-it", "NotIt", "notIt"},
		{"a version stays in its word", "ipv6-address", "IPv6Address", "ipv6Address"},
		{"digits are letters", "utf8-2", "UTF82", "utf82"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := camel(c.kebab); got != c.camel {
				t.Errorf("camel(%q) = %q, want %q", c.kebab, got, c.camel)
			}
			if got := lowerCamel(c.kebab); got != c.lower {
				t.Errorf("lowerCamel(%q) = %q, want %q", c.kebab, got, c.lower)
			}
		})
	}
}

func TestUnexport(t *testing.T) {
	for in, want := range map[string]string{
		"InputStream": "inputStream", "HTTPErrorCode": "httpErrorCode", "ID": "id", "E": "e", "EA": "ea",
	} {
		if got := unexport(in); got != want {
			t.Errorf("unexport(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestParametersAvoidNamesOfGeneratedCode(t *testing.T) {
	for _, c := range []struct{ name, kebab, want string }{
		{"a keyword gets the suffix", "import", "importArg"},
		{"len has a usual name", "len", "length"},
		{"type has a usual name", "type", "typ"},
		{"a variable of generated bodies gets the suffix", "stack", "stackArg"},
		{"a builtin gets the suffix", "copy", "copyArg"},
		{"a bound package gets the suffix", "wasiio", "wasiioArg"},
		{"others stay", "response-out", "responseOut"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := newScope().param(c.kebab); got != c.want {
				t.Errorf("param(%q) = %q, want %q", c.kebab, got, c.want)
			}
		})
	}
}

func TestScopePicksTheFirstFreeName(t *testing.T) {
	s := newScope("Taken")
	for _, want := range []string{"Other", "Other2", "Other3"} {
		if got := s.pick("Taken", "Other"); got != want {
			t.Errorf("pick = %q, want %q", got, want)
		}
	}
}

func TestFileNamesNeverSelectAPlatform(t *testing.T) {
	for in, want := range map[string]string{
		"monotonic-clock": "monotonic_clock", "linux": "linux", "plugin-linux": "plugin_linux_wit",
		"self-test": "self_test_wit", "run-wasm": "run_wasm_wit",
	} {
		if got := fileName(in); got != want {
			t.Errorf("fileName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestBindingsServeTheirVersionLine(t *testing.T) {
	for _, c := range []struct {
		name, a, b string
		want       bool
	}{
		{"another patch", "0.2.12", "0.2.3", true},
		{"another minor below 1.0.0", "0.2.12", "0.3.0", false},
		{"another minor from 1.0.0", "1.4.0", "1.2.9", true},
		{"another major", "1.0.0", "2.0.0", false},
		{"the same prerelease", "0.2.0-draft", "0.2.0-draft", true},
		{"another prerelease", "0.2.0-draft", "0.2.0-draft2", false},
		{"a prerelease for a release", "0.2.0-rc.1", "0.2.0", false},
		{"patches below 0.1.0", "0.0.1", "0.0.2", false},
		{"no versions", "", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sameLine(c.a, c.b); got != c.want {
				t.Errorf("sameLine(%q, %q) = %v", c.a, c.b, got)
			}
		})
	}
}
