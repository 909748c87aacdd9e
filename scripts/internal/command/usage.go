// Package command is what the commands below scripts share: flags and -h, what an error looks like and
// its exit code, what is shown on a terminal alone, and the folder that they are run in.
package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Usage describes a command, for -h and for whoever calls it wrongly. Name, Does and Example are required.
type Usage struct {
	Name    string   // of its folder below scripts
	Words   []string // what must be given besides flags, such as ORDER
	Does    string   // one sentence
	Notes   string   // what has to be known besides, after the flags; "" is nothing
	Example string   // command lines
}

// Parse reads the arguments: flags, and as many words as the usage has, in any order. For -h it writes
// the help to stdout and returns flag.ErrHelp; any other error is a Misuse.
func (u Usage) Parse(flags *flag.FlagSet, arguments []string, stdout io.Writer) (words []string, err error) {
	flags.Init(u.Name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	for rest := arguments; ; {
		err := flags.Parse(rest)
		if errors.Is(err, flag.ErrHelp) {
			u.help(flags, stdout)
			return nil, err
		}
		if err != nil {
			return nil, wrongFlag(flags, err.Error())
		}
		if flags.NArg() == 0 {
			break
		}
		words, rest = append(words, flags.Arg(0)), flags.Args()[1:]
	}
	switch n := len(u.Words); {
	case len(words) > n:
		return nil, stray(flags, words[n], n == 0)
	case len(words) < n:
		return nil, Misuse("%s missing", strings.Join(u.Words[len(words):], " and "))
	}
	return words, nil
}

func (u Usage) help(flags *flag.FlagSet, to io.Writer) {
	fmt.Fprintf(to, "%s\n\nUsage:\n  %s [flags]\n\nFlags:\n", u.Does, strings.Join(append([]string{"go run ./scripts/" + u.Name}, u.Words...), " "))
	flags.SetOutput(to)
	flags.PrintDefaults()
	flags.SetOutput(io.Discard)
	if u.Notes != "" {
		fmt.Fprintf(to, "\n%s\n", strings.TrimSpace(u.Notes))
	}
	fmt.Fprintf(to, "\nExample:\n  %s\n", strings.ReplaceAll(strings.TrimSpace(u.Example), "\n", "\n  "))
}

// misuse is an error of whoever typed the command.
type misuse struct{ error }

// Misuse returns an error that Report answers with exit code 2 and the way to the help.
func Misuse(format string, args ...any) error { return misuse{fmt.Errorf(format, args...)} }

// OneOf reports a value that is none of the choices; name is that of its flag, with the hyphen, or word.
// "" among the choices is not told.
func OneOf(name, value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	choices = slices.DeleteFunc(slices.Clone(choices), func(c string) bool { return c == "" })
	return Misuse("%s must be %s, not %q%s", name, list(choices), value, didYouMean("", value, choices))
}

// list is a, b or c.
func list(choices []string) string {
	last := len(choices) - 1
	if last < 1 {
		return strings.Join(choices, "")
	}
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}

// wrongFlag says in our words what package flag says in its.
func wrongFlag(flags *flag.FlagSet, text string) error {
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		return Misuse("unknown flag -%s%s", name, didYouMean("-", name, names(flags)))
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return Misuse("-%s needs a value", name)
	}
	if i := strings.LastIndex(text, ": parse error"); i > 0 {
		text = text[:i]
	}
	return misuse{errors.New(text)}
}

// stray says of a word that has no meaning here what it may have been meant for. A value after = may be a
// secret, and is not shown.
func stray(flags *flag.FlagSet, word string, alone bool) error {
	if name, _, assigned := strings.Cut(word, "="); assigned {
		return Misuse("%s=… is not a flag: a variable stands before the command, as in %s=… go run ./scripts/%s", name, name, flags.Name())
	}
	if alone {
		return Misuse("%q is not a flag%s", word, didYouMean("-", word, names(flags)))
	}
	return Misuse("%q is one word too many", word)
}

func names(flags *flag.FlagSet) (all []string) {
	flags.VisitAll(func(f *flag.Flag) { all = append(all, f.Name) })
	return all
}

// didYouMean names the choice that a wrong word is a slip of, or is "".
func didYouMean(sign, word string, choices []string) string {
	best, least := "", 1+max(1, len(word)/3)
	for _, choice := range choices {
		d := distance(word, choice)
		if strings.HasPrefix(choice, word) {
			d = 1
		}
		if d < least {
			best, least = choice, d
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + sign + best + "?"
}

// distance is how many characters must be changed, added, left out or swapped with the next to get from a to b.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		for j := range rows[i] {
			if i == 0 || j == 0 {
				rows[i][j] = i + j
				continue
			}
			other := 1
			if a[i-1] == b[j-1] {
				other = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+other)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
