package ossocket

// Option is a number that a socket can be asked for and told.
type Option uint8

// The options. Times are in whole seconds. A system may round what it is told
// for a buffer.
const (
	KeepAlive Option = iota // 0 or 1
	KeepAliveIdle
	KeepAliveInterval
	KeepAliveCount
	HopLimit
	ReceiveBuffer
	SendBuffer
	options
)

// name is where the system has an option.
type name struct{ level, opt int }

// name is the system's name of o for a socket of the family.
func (s *Socket) name(o Option) (name, error) {
	if o == HopLimit {
		return hopLimit[s.family], nil
	}
	if n := names[o]; n.level != 0 || n.opt != 0 {
		return n, nil
	}
	return name{}, ErrNotSupported
}

// Option reads an option.
func (s *Socket) Option(o Option) (v int, err error) {
	n, err := s.name(o)
	if err != nil {
		return 0, err
	}
	if v, err = s.getsockopt(n); err != nil {
		return 0, err
	}
	switch o {
	case KeepAlive:
		v = min(v, 1) // some systems give the flag's own bit
	case ReceiveBuffer, SendBuffer:
		v /= bufferFactor
	}
	return v, nil
}

// SetOption changes an option.
func (s *Socket) SetOption(o Option, v int) error {
	n, err := s.name(o)
	if err != nil {
		return err
	}
	err = s.setsockopt(n, v)
	if (o == ReceiveBuffer || o == SendBuffer) && CauseOf(err) == OutOfMemory {
		return nil // BSD refuses what others round: it is a hint
	}
	return err
}

// inherit gives an accepted socket the options of its listener where the system
// does not.
func (s *Socket) inherit(from *Socket) {
	if inheritsOptions {
		return
	}
	for o := range options {
		if v, err := from.Option(o); err == nil {
			_ = s.SetOption(o, v)
		}
	}
}
