// Command empty is a function that does nothing: the floor of a cold start.
package main

import (
	"context"

	"github.com/tencentyun/scf-go-lib/cloudfunction"
)

type nothing struct{}

func (nothing) Invoke(context.Context, []byte) ([]byte, error) { return []byte("{}"), nil }

func main() { cloudfunction.StartHandler(nothing{}) }
