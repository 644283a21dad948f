// Package host is what a guest may be granted: one Config says what there is,
// Link defines the interfaces of WASI 0.2 in a linker, and a State holds what
// one instance uses of them.
//
//	cfg := host.Config{Args: []string{"app"}, Stdout: os.Stdout}
//	err := host.Link(linker, cfg)
//	...
//	st := cfg.NewState(ctx)
//	defer st.Close()
//	inst, err := linked.Instantiate(ctx, engine.InstanceConfig{Host: st})
//
// Each subject is a package of its own: host/io, clocks, random, cli,
// filesystem, sockets, http, keyvalue, config. Nothing is granted by default beyond what the
// world wasi:http/proxy names; the environment, files and network of the host
// stay out of sight.
//
// It may import bindings, engine packages and the subjects; it must not import
// host/server or a backend.
package host
