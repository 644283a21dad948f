package filesystem

import (
	"context"
	"errors"
	"testing"

	"github.com/godwit-runtime/godwit/host/io"
)

func TestThereAreNoDirectories(t *testing.T) {
	dirs, err := Files{}.GetDirectories(context.Background())
	if len(dirs) != 0 || err != nil {
		t.Fatal(dirs, err)
	}
	code, err := Files{}.FilesystemErrorCode(context.Background(), io.NewError(errors.New("x")))
	if code.Some || err != nil {
		t.Fatal(code, err)
	}
}
