package server

import (
	"errors"
	"fmt"
	gohttp "net/http"
	"net/http/httptrace"
	"net/textproto"
	"testing"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
)

// inform sends a 1xx response with one header.
func (c *call) inform(status uint16, name, value string) error {
	h, _ := c.st.HTTP.NewFields(c.ctx)
	if err := h.Append(c.ctx, name, []byte(value)); err != nil {
		return err
	}
	return c.out.SendInformational(c.ctx, status, h)
}

func TestInformationalResponsesGoBeforeTheAnswer(t *testing.T) {
	url, _, _ := start(t, goGuest(func(c *call) error {
		for i := range 2 {
			if err := c.inform(gohttp.StatusEarlyHints, "link", fmt.Sprintf("</%d.css>; rel=preload", i)); err != nil {
				return err
			}
		}
		return hello(c)
	}), Config{})
	var got []string
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		got = append(got, fmt.Sprint(code, " ", h.Get("Link")))
		return nil
	}}
	req, err := gohttp.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := gohttp.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if want := "[103 </0.css>; rel=preload 103 </1.css>; rel=preload]"; fmt.Sprint(got) != want {
		t.Errorf("informational responses are %v, wanted %v", got, want)
	}
	if resp.StatusCode != 200 || resp.Header.Get("X-Guest") != "yes" || resp.Header.Get("Link") != "" {
		t.Errorf("the answer is %d with %v; the header of a 1xx is not to be in it", resp.StatusCode, resp.Header)
	}
}

func TestInformationalResponseIsRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		status uint16
		late   bool
	}{
		{"with a final status", 200, false},
		{"to switch protocols", 101, false},
		{"after the answer", 103, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused := make(chan error, 1)
			url, _, _ := start(t, goGuest(func(cl *call) error {
				if c.late {
					err := hello(cl)
					refused <- cl.inform(c.status, "link", "x")
					return err
				}
				refused <- cl.inform(c.status, "link", "x")
				return hello(cl)
			}), Config{})
			if _, _, err := get(t, url); err != nil {
				t.Fatal(err)
			}
			var code wasihttp.ErrorCode
			if err := <-refused; !errors.As(err, &code) || code.Tag != wasihttp.ErrorCodeHTTPProtocolError {
				t.Errorf("error is %v, wanted HTTP-protocol-error", err)
			}
		})
	}
}
