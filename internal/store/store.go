// Package store has the media through which instances share their pairs: memory, a
// directory, Redis, an object storage bucket. Each is a ticket.Store.
//
// Opening one neither connects nor touches a disk. Errors are fit for the log:
// package redact made them, and they name no URL, host, path, password or key.
package store

import (
	"errors"
	"net/url"
	"time"

	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/ticket"
)

const (
	// maxValue bounds what is read back as one value. Records have about 1 KB.
	maxValue = 1 << 20
	// idleLife is for how long a connection is kept idle: an instance that was frozen
	// for longer than a NAT or a server remembers it dials anew.
	idleLife = 30 * time.Second
	// connections is how many there are at most.
	connections = ticket.StoreCalls
)

// Open returns the store at location, a URL of the scheme (not used for "memory"):
//
//	memory  this instance alone
//	file    file:///dir, shared by processes on a machine or by a mount
//	redis   redis://user:password@host:port/database; rediss with TLS
//	cos     cos://bucket-appid.region/prefix?endpoint=https://host, the endpoint being
//	        optional; credentials gives those of the execution role at each request
//
// What is opened may be an io.Closer; a process that ends need not close it.
func Open(scheme, location string, credentials role.Source) (ticket.Store, error) {
	if scheme == "memory" {
		return &ticket.Memory{}, nil
	}
	u, err := url.Parse(location)
	if err != nil || u.Scheme != scheme {
		// Not the error itself: it quotes the URL.
		return nil, errors.New("store: not a URL of the scheme")
	}
	switch scheme {
	case "file":
		return openFile(u)
	case "redis", "rediss":
		return openRedis(u)
	case "cos":
		return openCOS(u, credentials)
	}
	return nil, errors.New("store: unknown scheme")
}
