package config

import (
	"log/slog"
	"net"
	"net/url"
	"path"
	"strings"
	"time"

	"kyc-ocr-relay/internal/secret"
)

func parseDuration(p *problems, variable, text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		p.add(variable, "must be a duration greater than zero, such as 5s or 20m")
		return 0
	}
	return d
}

func parseBaseURL(p *problems, text string) *url.URL {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		p.add("KYC_BASE_URL", "must be https://host, without user, query and fragment")
		return nil
	case !isSecure(u):
		p.add("KYC_BASE_URL", "must be https; http is accepted for loopback only")
		return nil
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u
}

// isSecure reports whether u is https, or http that cannot leave this machine.
func isSecure(u *url.URL) bool {
	switch u.Scheme {
	case "https":
		return true
	case "http":
		return isLoopback(u)
	}
	return false
}

// isLoopback reports whether what u names is on this machine.
func isLoopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return strings.EqualFold(u.Hostname(), "localhost") || ip != nil && ip.IsLoopback()
}

func parseStore(p *problems, text string) Location {
	if text == "memory" {
		return Location{Scheme: "memory"}
	}
	u, err := url.Parse(text)
	if err == nil {
		switch u.Scheme {
		case "file":
			if isDirectory(u) {
				return location(u, text)
			}
		case "redis", "rediss":
			if u.Host != "" {
				return location(u, text)
			}
		case "cos":
			if isBucket(u) {
				return location(u, text)
			}
		}
	}
	p.add("TICKET_STORE", "must be memory, file:///dir, redis://host:port, rediss://host:port or cos://bucket-appid.region/prefix")
	return Location{}
}

func parseSinks(p *problems, text string) (sinks []Location) {
	for i, entry := range list(text) {
		u, err := url.Parse(entry)
		ok := err == nil
		if ok {
			switch u.Scheme {
			case "file":
				ok = isDirectory(u)
			case "cos":
				ok = isBucket(u)
			default:
				ok = u.Host != "" && u.User == nil && u.Fragment == "" && isSecure(u)
			}
		}
		if !ok {
			p.add("DELIVER_TO", "entry %d must be file:///dir, cos://bucket-appid.region/prefix or https://host/path", i+1)
			continue
		}
		sinks = append(sinks, location(u, entry))
	}
	return sinks
}

func parseSecretSource(p *problems, text string) Location {
	if text == "" {
		return Location{}
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "ssm" || !isName(u.Host) || u.User != nil || u.Fragment != "" || !isSecret(u.Path) || !isEndpoint(u.RawQuery) {
		p.add("SECRET_SOURCE", "must be ssm://region/secret-name or ssm://region/secret-name@version")
		return Location{}
	}
	return location(u, text)
}

// isSecret reports whether path is /name or /name@version, of the characters that the secrets
// manager allows (document 1140/40529).
func isSecret(path string) bool {
	path, ok := strings.CutPrefix(path, "/")
	name, version, hasVersion := strings.Cut(path, "@")
	return ok && isWord(name, 128, "_-") && (!hasVersion || isWord(version, 64, "_-."))
}

// isWord reports whether text has letters and digits and, behind the first, marks: one
// character to most.
func isWord(text string, most int, marks string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return text != "" && len(text) <= most && strings.IndexByte(letters, text[0]) >= 0 && strings.Trim(text, letters+marks) == ""
}

func location(u *url.URL, text string) Location {
	return Location{u.Scheme, secret.New(text)}
}

// isDirectory reports whether u is file:///absolute/path.
func isDirectory(u *url.URL) bool {
	return u.Host == "" && path.IsAbs(u.Path) && u.RawQuery == "" && u.Fragment == ""
}

// isBucket reports whether u is cos://bucket-appid.region, with or without a prefix,
// perhaps with ?endpoint=https://… for another host than the region's public one.
func isBucket(u *url.URL) bool {
	bucket, region, ok := strings.Cut(u.Host, ".")
	if !ok || !isName(bucket) || !strings.Contains(bucket, "-") || !isName(region) || u.User != nil || u.Fragment != "" {
		return false
	}
	return isEndpoint(u.RawQuery)
}

// isEndpoint reports whether query is empty or endpoint=https://… .
func isEndpoint(query string) bool {
	if query == "" {
		return true
	}
	values, err := url.ParseQuery(query)
	if err != nil || len(values) != 1 || len(values["endpoint"]) != 1 {
		return false
	}
	endpoint, err := url.Parse(values.Get("endpoint"))
	return err == nil && endpoint.Host != "" && endpoint.User == nil && isSecure(endpoint)
}

func parsePrefix(p *problems, text string) string {
	prefix := strings.Trim(text, "/")
	if prefix == "" {
		return ""
	}
	for segment := range strings.SplitSeq(prefix, "/") {
		if !isName(strings.ReplaceAll(segment, ".", "_")) || strings.Trim(segment, ".") == "" {
			p.add("ROUTE_PREFIX", "must be a path such as /kyc, of letters, digits, - . and _")
			return ""
		}
	}
	return "/" + prefix
}

func parseLevel(p *problems, text string) slog.Level {
	switch strings.ToLower(text) {
	case "debug":
		return slog.LevelDebug
	case "info":
		return slog.LevelInfo
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	p.add("LOG_LEVEL", "must be debug, info, warn or error")
	return slog.LevelInfo
}
