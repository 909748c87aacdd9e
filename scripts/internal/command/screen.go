package command

import (
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/term"
)

// Screen is where a command writes. The zero value of Terminal and Colour is right for a pipe or a file.
type Screen struct {
	io.Writer
	Terminal bool // somebody looks on: progress is shown
	Colour   bool // colours are shown
}

// NewScreen returns the screen of a file, which is the process's stdout or stderr. A terminal has colours
// unless NO_COLOR is set, or TERM is dumb; the console of Windows may show their codes instead.
func NewScreen(f *os.File) Screen {
	terminal := term.IsTerminal(int(f.Fd())) // #nosec G115 -- a descriptor is a small number
	return Screen{
		Writer:   f,
		Terminal: terminal,
		Colour:   terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && runtime.GOOS != "windows",
	}
}

// Progress says what takes long and has begun, to whoever looks on.
func (s Screen) Progress(format string, args ...any) {
	if s.Terminal {
		fmt.Fprintf(s, format+" …\n", args...)
	}
}

// The colours.
const (
	Red    = "31"
	Green  = "32"
	Yellow = "33"
)

// Paint returns text in a colour, where there are colours.
func (s Screen) Paint(colour, text string) string {
	if !s.Colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}
