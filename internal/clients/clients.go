// Package clients tries what docs/clients.md tells: the examples, the clients that generators make of
// openapi.yaml, and the Postman collection, each against the built function. It has tests alone.
package clients
