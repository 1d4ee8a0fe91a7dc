# What Startifact needs in an account: a bucket and two parameters for each region, and the roles.
# It makes what the templates of CloudFormation make; see docs/organisation-templates.md.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source = "hashicorp/aws"
      # From here on each resource can be in a region of its own.
      version = ">= 6.0"
    }
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account               = data.aws_caller_identity.current.account_id
  bucket_name_parameter = "/${var.name}/bucket"
  made                  = { for region, bucket in var.regions : region => "${var.name}-${local.account}-${region}" if bucket == null }
  buckets               = { for region, bucket in var.regions : region => bucket == null ? local.made[region] : bucket }

  configuration = merge(var.configuration, {
    bucket_name_param     = local.bucket_name_parameter
    bucket_key_prefix     = var.key_prefix
    parameter_name_prefix = var.parameter_prefix
    regions               = keys(var.regions)
  })

  makes_provider = var.provider_arn == null && length(flatten(values(var.subjects))) > 0
  provider_arn   = local.makes_provider ? aws_iam_openid_connect_provider.github[0].arn : var.provider_arn
}

module "policies" {
  source = "./policies"

  partition               = data.aws_partition.current.partition
  account                 = local.account
  name                    = var.name
  buckets                 = local.buckets
  projects                = var.projects
  channels                = var.channels
  key_prefix              = var.key_prefix
  parameter_prefix        = var.parameter_prefix
  configuration_parameter = var.configuration_parameter
  bucket_name_parameter   = local.bucket_name_parameter
  kms_keys                = var.kms_keys
  object_tags             = can(var.configuration.object_tags)
  object_lock             = can(var.configuration.object_lock_mode)
  provider_arn            = local.provider_arn
  audience                = var.audience
  subjects                = var.subjects
}

# A bucket that is there already is not among these: it keeps its settings and its policy.
resource "aws_s3_bucket" "artifacts" {
  # checkov:skip=CKV_AWS_19:It is encrypted below, with one of two algorithms, which checkov does not work out.
  for_each = local.made

  region              = each.key
  bucket              = each.value
  object_lock_enabled = var.object_lock

  lifecycle {
    prevent_destroy = true
  }
}

# What a tombstone, a deletion or a moved channel has replaced can be had back.
resource "aws_s3_bucket_versioning" "artifacts" {
  for_each = local.made

  region = each.key
  bucket = aws_s3_bucket.artifacts[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  for_each = local.made

  region                  = each.key
  bucket                  = aws_s3_bucket.artifacts[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# No lists of access: what is stored belongs to this account, whoever stores it.
resource "aws_s3_bucket_ownership_controls" "artifacts" {
  for_each = local.made

  region = each.key
  bucket = aws_s3_bucket.artifacts[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "artifacts" {
  for_each = local.made

  region = each.key
  bucket = aws_s3_bucket.artifacts[each.key].id

  rule {
    # Without it each object is a request to KMS.
    bucket_key_enabled = contains(keys(var.kms_keys), each.key)

    apply_server_side_encryption_by_default {
      sse_algorithm     = lookup(var.kms_keys, each.key, null) == null ? "AES256" : "aws:kms"
      kms_master_key_id = lookup(var.kms_keys, each.key, null)
    }
  }
}

# No rule removes a current object: a tombstone is one, and so is an artifact of any age. With its
# tombstone the number of a removed version would be free again.
resource "aws_s3_bucket_lifecycle_configuration" "artifacts" {
  for_each = local.made

  region = each.key
  bucket = aws_s3_bucket.artifacts[each.key].id
  # A rule for noncurrent versions needs versions.
  depends_on = [aws_s3_bucket_versioning.artifacts]

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = var.upload_days
    }
  }

  rule {
    id     = "noncurrent-versions"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }
  }

  # A delete marker under which nothing is left; there is no object then either way.
  rule {
    id     = "delete-markers-of-nothing"
    status = "Enabled"
    filter {}

    expiration {
      expired_object_delete_marker = true
    }
  }
}

resource "aws_s3_bucket_policy" "artifacts" {
  for_each = local.made

  region = each.key
  bucket = aws_s3_bucket.artifacts[each.key].id
  policy = module.policies.buckets[each.key]
}

resource "aws_ssm_parameter" "bucket_name" {
  for_each = local.buckets

  region      = each.key
  name        = local.bucket_name_parameter
  description = "The bucket of this region in which Startifact stores artifacts."
  type        = "String"
  value       = each.value
}

resource "aws_ssm_parameter" "configuration" {
  for_each = var.regions

  region      = each.key
  name        = var.configuration_parameter
  description = "The organisation configuration of Startifact."
  type        = "String"
  value       = jsonencode(local.configuration)
}

# Who signs the tokens of workflows. An account has one, which other roles may rely on.
resource "aws_iam_openid_connect_provider" "github" {
  count = local.makes_provider ? 1 : 0

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = [var.audience]
}

resource "aws_iam_role" "startifact" {
  for_each = module.policies.trust

  name               = "${var.name}-${each.key}"
  description        = "Startifact: ${each.key}."
  assume_role_policy = each.value
}

resource "aws_iam_role_policy" "startifact" {
  for_each = module.policies.roles

  name   = "startifact"
  role   = aws_iam_role.startifact[each.key].id
  policy = each.value
}
