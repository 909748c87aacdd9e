package apitest

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
)

type code struct{ ZipFile string }

type variable struct{ Key, Value string }

type environment struct{ Variables []variable }

func (s *Server) updateFunctionCode(c *call) (any, error) {
	var in struct {
		FunctionName, Handler, CodeSource string
		Code                              *code
	}
	f, err := s.idle(c, &in, &in.FunctionName)
	if err != nil {
		return nil, err
	}
	if in.Code == nil {
		return nil, refuse("MissingParameter.Code", "Code")
	}
	if err := f.latest.setCode(in.Code.ZipFile); err != nil {
		return nil, err
	}
	s.change(f, "Updating")
	return nil, nil
}

func (s *Server) updateFunctionConfiguration(c *call) (any, error) {
	var in struct {
		FunctionName        string
		Description, Role   *string
		MemorySize, Timeout *int64
		Environment         *environment
		IgnoreSysLog        *bool
	}
	f, err := s.idle(c, &in, &in.FunctionName)
	if err != nil {
		return nil, err
	}
	v := f.latest.clone()
	if err := s.configure(&v, in.Description, in.MemorySize, in.Timeout, in.Environment, in.Role); err != nil {
		return nil, err
	}
	if in.IgnoreSysLog != nil {
		if v.Type != "Event" {
			return nil, refuse("InvalidParameterValue", "IgnoreSysLog is for event functions")
		}
		v.IgnoreSysLog = *in.IgnoreSysLog
	}
	f.latest = v
	s.change(f, "Updating")
	return nil, nil
}

// environmentLimit is the size of all variables together: 4 KB (SCF quotas).
const environmentLimit = 4096

// configure changes what is given.
func (s *Server) configure(v *Version, text *string, memory, timeout *int64, env *environment, role *string) error {
	if text != nil {
		if !description.MatchString(*text) {
			return refuse("InvalidParameterValue.Description", "Description")
		}
		v.Description = *text
	}
	if memory != nil && *memory != 0 {
		if *memory != 64 && (*memory%128 != 0 || *memory > 3072) {
			return refuse("InvalidParameterValue.MemorySize", "MemorySize")
		}
		v.Memory = *memory
	}
	if timeout != nil && *timeout != 0 {
		if *timeout < 0 || *timeout > 900 {
			return refuse("LimitExceeded.Timeout", "Timeout")
		}
		v.Timeout = *timeout
	}
	if role != nil && *role != "" {
		if !slices.Contains(s.config.Roles, *role) {
			return refuse("ResourceNotFound.Role", "no role %s", *role)
		}
		v.Role = *role
	}
	if env == nil {
		return nil
	}
	size, all := 0, map[string]string{}
	for _, e := range env.Variables {
		if !variableName.MatchString(e.Key) || e.Value == "" {
			return refuse("InvalidParameterValue.Environment", "a bad name or an empty value")
		}
		for _, reserved := range []string{"SCF_", "QCLOUD_", "TENCENTCLOUD_"} {
			if strings.HasPrefix(e.Key, reserved) {
				return refuse("InvalidParameterValue.EnvironmentSystemProtect", "%s is the system's", e.Key)
			}
		}
		size += len(e.Key) + len(e.Value)
		all[e.Key] = e.Value
	}
	if size > environmentLimit {
		return refuse("InvalidParameterValue.EnvironmentExceededLimit", "more than 4 KB")
	}
	v.Environment = all
	return nil
}

// setCode takes a zip that holds what the runtime starts.
func (v *Version) setCode(text string) error {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || text == "" {
		return refuse("InvalidParameterValue.ZipFileBase64BinasciiError", "ZipFile is not Base64")
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return refuse("InvalidParameterValue.ZipFile", "not a zip")
	}
	needed := []string{"main"}
	if v.Type == "HTTP" {
		needed = append(needed, "scf_bootstrap")
	}
	for _, name := range needed {
		if !slices.ContainsFunc(r.File, func(f *zip.File) bool { return f.Name == name && f.Mode()&0o111 != 0 }) {
			return refuse("InvalidParameterValue.ZipFile", "no executable %s at its root", name)
		}
	}
	v.Zip = data
	return nil
}
