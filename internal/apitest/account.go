package apitest

import "slices"

func (s *Server) getSecretValue(c *call) (any, error) {
	var in struct{ SecretName, VersionId string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.SecretName == "" || in.VersionId == "" {
		return nil, refuse("MissingParameter", "SecretName and VersionId")
	}
	text, ok := s.secrets[in.SecretName+"@"+in.VersionId]
	if !ok {
		return nil, refuse("ResourceNotFound.SecretNotExist", "no such secret or version")
	}
	return map[string]any{"SecretName": in.SecretName, "VersionId": in.VersionId, "SecretString": text, "SecretBinary": ""}, nil
}

func (s *Server) getCallerIdentity(c *call) (any, error) {
	if err := c.decode(&struct{}{}); err != nil {
		return nil, err
	}
	return map[string]any{"AccountId": "100000000001", "UserId": "100000000002", "Type": "CAMUser", "Arn": "qcs::cam::uin/100000000001:uin/100000000002"}, nil
}

func (s *Server) getRole(c *call) (any, error) {
	var in struct{ RoleName string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if !slices.Contains(s.config.Roles, in.RoleName) {
		return nil, refuse("InvalidParameter.RoleNotExist", "no role %s", in.RoleName)
	}
	return map[string]any{"RoleInfo": map[string]any{"RoleName": in.RoleName}}, nil
}
