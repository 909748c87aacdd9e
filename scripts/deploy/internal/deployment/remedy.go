package deployment

import "strings"

// remedies by the beginning of the code, the first that fits.
var remedies = []struct{ prefix, remedy string }{
	{"RequestLimitExceeded", "the API is throttled for this account: wait a minute, and run the same command again; it goes on from here"},
	{"UnsupportedRegion", "there is no such region, or no SCF in it: choose another -region, such as ap-guangzhou, ap-shanghai or ap-beijing"},
	{"UnauthorizedOperation.Region", "SCF is not offered to this account in this region: choose another -region"},
	{"UnauthorizedOperation.Role", "the platform may not use the role: in Access Management, let scf.qcloud.com be a carrier of it"},
	{"UnauthorizedOperation", needSCF},
	{"AuthFailure.UnauthorizedOperation", needSCF},
	{"FailedOperation.AuthFailure", needSCF},
	{"AuthFailure.SecretIdNotFound", "TENCENTCLOUD_SECRET_ID is not known: see Access Management, API Keys"},
	{"AuthFailure.SignatureFailure", "TENCENTCLOUD_SECRET_KEY does not belong to TENCENTCLOUD_SECRET_ID"},
	{"AuthFailure.SignatureExpire", "the clock of this machine is wrong by more than 5 minutes: set it"},
	{"AuthFailure.TokenFailure", "TENCENTCLOUD_TOKEN has expired, or belongs to other credentials: get new ones, or unset it"},
	{"AuthFailure", "check TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY and TENCENTCLOUD_TOKEN"},
	{"ResourceNotFound.Role", "there is no such role: make it in Access Management with scf.qcloud.com as its carrier, or leave -role out"},
	{"InvalidParameter.RoleCheck", "the role is not fit for SCF: in Access Management, let scf.qcloud.com be a carrier of it"},
	{"FailedOperation.QcsRoleNotFound", needSCFRole},
	{"FailedOperation.CallRoleFailed", needSCFRole},
	{"LimitExceeded.FunctionVersions", "the function has as many versions as it may have: delete old ones in the console (not those that $DEFAULT uses), and run the same command again"},
	{"LimitExceeded.Function", "the account has as many functions as it may have: delete one, or ask for more quota"},
	{"LimitExceeded.Trigger", "the function has as many triggers as it may have: delete one in the console"},
	{"LimitExceeded", "a quota of the account is used up: see the message, and SCF quotas in the console"},
	{"RequestSizeLimitExceeded", "the code is too large for the API (10 MB as Base64): upload dist/*.zip in the console"},
	{"InvalidParameter.RequestTooLarge", "the code is too large for the API (10 MB as Base64): upload dist/*.zip in the console"},
	{"InvalidParameterValue.EnvironmentExceededLimit", "all variables together may have 4 KB: move some to SECRET_SOURCE"},
	{"ResourceInUse", "another change is under way, or somebody made it at the same time: run the same command again"},
	{"FailedOperation.FunctionStatusError", busyRemedy},
	{"FailedOperation.FunctionNameStatusError", busyRemedy},
	{"FailedOperation.FunctionVersionStatusNotActive", busyRemedy},
	{"FailedOperation.OperationConflict", busyRemedy},
	{"FailedOperation.AccountInsufficient", debts},
	{"FailedOperation.InsufficientBalance", debts},
	{"ResourceUnavailable.InsufficientBalance", debts},
	{"FailedOperation.UnOpenedService", "SCF is not in use by this account: open the SCF console once and accept the terms"},
	{"FailedOperation.OpenService", "SCF is not in use by this account: open the SCF console once and accept the terms"},
	{"CreateFailed", "the function could not be made: delete it in the console, and run the same command again"},
	{"UpdateFailed", "the platform could not take the change; published versions are not affected: run the same command again"},
	{"PublishFailed", "the version could not be published; the others are not affected: run the same command again"},
	{"InternalError", "the platform failed: run the same command again; it goes on from here"},
	{"ClientError", "the API could not be reached or understood: check the network and the proxy, and run the same command again"},
}

const (
	needSCF     = "attach the preset policy QcloudSCFFullAccess to this user in Access Management; with -role the user also needs cam:PassRole on that role"
	needSCFRole = "open the SCF console once as the account's owner: it makes the role SCF_QcsRole, which the platform works with"
	busyRemedy  = "another change is under way: wait, and run the same command again; it goes on from here"
	debts       = "the account has no funds: top it up"
)

// remedy returns what to do about a code, or "".
func remedy(code string) string {
	for _, r := range remedies {
		if strings.HasPrefix(code, r.prefix) {
			return r.remedy
		}
	}
	return ""
}
