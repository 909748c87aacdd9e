# Both functions of the relay, their role and their log (docs/deploy.md, "With Terraform"). Write the code
# first, and make the secret and the bucket by hand: what is in Terraform is also in its state.
#
#   go run ./scripts/package
#   terraform -chdir=docs/examples/terraform apply

terraform {
  required_providers {
    tencentcloud = {
      source  = "tencentcloudstack/tencentcloud"
      version = "~> 1.82"
    }
  }
}

provider "tencentcloud" {
  region = var.region
}

variable "region" {
  type    = string
  default = "ap-guangzhou"
}

variable "uin" {
  type        = string
  description = "the account's number (主账号 UIN)"
}

variable "bucket" {
  type        = string
  description = "for the tickets: in the region, never versioned, such as tickets-1250000000"
}

variable "secret" {
  type        = string
  default     = "kyc-ocr-relay"
  description = "the secret of the secrets manager: a JSON object with KYC_APP_ID, KYC_SECRET, CALLER_TOKENS …"
}

variable "code" {
  type        = string
  default     = "../../../dist"
  description = "the folder that scripts/package wrote"
}

locals {
  environment = {
    SECRET_SOURCE = "ssm://${var.region}/${var.secret}"
    TICKET_STORE  = "cos://${var.bucket}.${var.region}/kyc" # one for both, or they void one another's tickets
  }
  owner = element(split("-", var.bucket), length(split("-", var.bucket)) - 1) # the APPID
}

resource "tencentcloud_cam_role" "relay" {
  name        = "KycRelay"
  description = "What the relay may do: read its secret, and share tickets"
  document = jsonencode({
    version = "2.0"
    statement = [{
      effect    = "allow"
      action    = ["name/sts:AssumeRole"]
      principal = { service = ["scf.qcloud.com"] }
    }]
  })
}

resource "tencentcloud_cam_policy" "relay" {
  name = "KycRelay"
  document = jsonencode({
    version = "2.0"
    statement = [
      {
        effect   = "allow"
        action   = ["ssm:GetSecretValue"]
        resource = ["qcs::ssm:${var.region}:uin/${var.uin}:secret/creatorUin/*/${var.secret}"]
      },
      {
        effect = "allow"
        action = [
          "name/cos:GetBucket",
          "name/cos:GetObject",
          "name/cos:HeadObject",
          "name/cos:PutObject",
          "name/cos:DeleteObject",
        ]
        resource = ["qcs::cos:${var.region}:uid/${local.owner}:${var.bucket}/kyc/*"]
      },
    ]
  })
}

resource "tencentcloud_cam_role_policy_attachment_by_name" "relay" {
  role_name   = tencentcloud_cam_role.relay.name
  policy_name = tencentcloud_cam_policy.relay.name
}

resource "tencentcloud_cls_logset" "relay" {
  logset_name = "kyc-ocr-relay"
}

resource "tencentcloud_cls_topic" "relay" {
  logset_id  = tencentcloud_cls_logset.relay.id
  topic_name = "kyc-ocr-relay"
  period     = 30 # days
}

# Callers, by HTTP. The platform logs nothing of what it answers.
resource "tencentcloud_scf_function" "web" {
  name              = "kyc-ocr-relay-web"
  description       = "OCR and face results, and the tickets for them"
  func_type         = "HTTP"
  runtime           = "Go1"
  handler           = "main"
  zip_file          = "${var.code}/web.zip"
  mem_size          = 128
  timeout           = 60 # the relay gives a request 30 s
  enable_public_net = true
  environment       = local.environment
  role              = tencentcloud_cam_role.relay.name
  cls_logset_id     = tencentcloud_cls_logset.relay.id
  cls_topic_id      = tencentcloud_cls_topic.relay.id

  triggers {
    name = "url"
    type = "http"
    trigger_desc = jsonencode({
      AuthType  = "NONE" # the relay checks its callers' tokens
      NetConfig = { EnableIntranet = false, EnableExtranet = true }
    })
  }

  depends_on = [tencentcloud_cam_role_policy_attachment_by_name.relay]
}

# The timer, and events after the OCR. No Function URL: the platform logs what this one returns.
resource "tencentcloud_scf_function" "event" {
  name              = "kyc-ocr-relay"
  description       = "Renews the tickets, delivers results"
  func_type         = "Event"
  runtime           = "Go1"
  handler           = "main"
  zip_file          = "${var.code}/event.zip"
  mem_size          = 128
  timeout           = 60
  enable_public_net = true
  environment       = local.environment
  role              = tencentcloud_cam_role.relay.name
  cls_logset_id     = tencentcloud_cls_logset.relay.id
  cls_topic_id      = tencentcloud_cls_topic.relay.id

  triggers {
    name         = "renew"
    type         = "timer"
    trigger_desc = "0 */5 * * * * *"
  }

  depends_on = [tencentcloud_cam_role_policy_attachment_by_name.relay]
}

output "topic_id" {
  value = tencentcloud_cls_topic.relay.id
}
