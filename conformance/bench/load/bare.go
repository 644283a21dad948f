package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
)

// bareArg makes this program the baseline: a net/http server without a guest.
const bareArg = "bare-server"

// bare is what the baseline does. It gets it on its standard input.
type bare struct {
	Answer answer
	// Echo sends the request's body back instead of the answer's.
	Echo bool
}

// serveBare is the baseline's main function.
func serveBare(addr string) error {
	var b bare
	if err := json.NewDecoder(os.Stdin).Decode(&b); err != nil {
		return fmt.Errorf("the answer to give is expected as JSON on the standard input: %w", err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return (&http.Server{Handler: &b}).Serve(l)
}

// ServeHTTP implements http.Handler.
func (b *bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := &b.Answer
	if a.Type != "" {
		w.Header().Set("Content-Type", a.Type)
	}
	if a.Sized {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	if !b.Echo {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(a.Status)
		_, _ = w.Write(a.Body)
		return
	}
	// As a guest does it: the answer begins while the request comes.
	_ = http.NewResponseController(w).EnableFullDuplex()
	w.WriteHeader(a.Status)
	_, _ = io.Copy(w, r.Body)
}
