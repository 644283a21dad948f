package host

import "github.com/godwit-runtime/godwit/engine"

// prompt are interfaces whose functions do not wait, but for those in waits: what
// they take is charged to the guest as its own code is.
var prompt = []string{
	"wasi:http/types@0.2.12",
	"wasi:clocks/monotonic-clock@0.2.12",
	"wasi:clocks/wall-clock@0.2.12",
	"wasi:random/random@0.2.12",
	"wasi:random/insecure@0.2.12",
	"wasi:random/insecure-seed@0.2.12",
	"wasi:cli/environment@0.2.12",
	"wasi:config/store@0.2.0-rc.1",
}

var waits = map[string]bool{
	// until the server has sent it
	"[method]response-outparam.send-informational": true,
	// until a read of the connection that is under way is interrupted
	"[static]incoming-body.finish": true,
}

// markPrompt tells the linker which functions are prompt.
func markPrompt(l *engine.Linker) {
	for _, name := range prompt {
		funcs := l.Provides(name).Funcs
		for k := range funcs {
			funcs[k].Prompt = !waits[funcs[k].Name]
		}
	}
}
