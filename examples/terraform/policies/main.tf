# What each role is allowed and what each bucket denies. It needs no provider, so that it can be tried
# without an account: terraform apply in this folder changes nothing.

terraform {
  required_version = ">= 1.5"
}

locals {
  # Both are written by make generate, the roles from the table that startifact policy prints from. What
  # stands in braces is filled in: here what has one value, below what has several.
  table = {
    for name in ["roles", "denials"] : name => jsondecode(
      replace(replace(replace(replace(replace(replace(replace(
        file("${path.module}/${name}.json"),
        "{partition}", var.partition),
        "{account}", var.account),
        "{key_prefix}", var.key_prefix),
        "{parameter_prefix}", var.parameter_prefix),
        "{configuration_parameter}", var.configuration_parameter),
        "{bucket_name_parameter}", var.bucket_name_parameter),
      "{kms_region}", "*")
    )
  }

  # One of a role that moves a channel for each channel.
  roles = merge(
    { for name, role in local.table.roles : name => { statements = role, channel = "" } if name != "promote" },
    { for channel in var.channels : "promote-${channel}" => { statements = local.table.roles.promote, channel = channel } },
  )

  # What only some organisations need.
  needed = concat(
    [""],
    length(var.kms_keys) > 0 ? ["kms"] : [],
    var.object_tags ? ["tags"] : [],
    var.object_lock ? ["lock"] : [],
    # A role for some projects does not list all of them.
    length(setsubtract(var.projects, ["*"])) == 0 ? ["all-projects"] : [],
  )

  choices = [
    for choice in setproduct(
      values(var.buckets), var.projects, keys(var.buckets),
      length(var.kms_keys) > 0 ? values(var.kms_keys) : [""],
      ) : {
      bucket = choice[0], project = choice[1], region = choice[2], kms_key = choice[3]
    }
  ]

  role_statements = {
    for name, role in local.roles : name => [
      for statement in role.statements : {
        Sid    = statement.Sid
        Effect = statement.Effect
        Action = statement.Action
        Resource = distinct(flatten([
          for resource in statement.Resource : [
            for choice in local.choices : replace(replace(replace(replace(replace(resource,
              "{bucket}", choice.bucket), "{project}", choice.project), "{region}", choice.region),
            "{kms_key}", choice.kms_key), "{channel}", role.channel)
          ]
        ]))
        Condition = {
          for operator, keys in statement.Condition : operator => {
            for key, values in keys : key => distinct(flatten([
              for value in values : [for project in var.projects : replace(value, "{project}", project)]
            ]))
          }
        }
      } if contains(local.needed, statement.when)
    ]
  }

  role_arn = "arn:${var.partition}:iam::${var.account}:role/${var.name}"
}

output "roles" {
  description = "The policy of each role, by its name without the prefix."
  value = {
    for name, statements in local.role_statements : name => jsonencode({
      Version = "2012-10-17"
      # Without the conditions that there are not.
      Statement = [
        for statement in statements : { for element, value in statement : element => value if length(value) > 0 }
      ]
    })
  }
}

output "trust" {
  description = "Who takes on each role: runs of GitHub with these subjects, or who in the account is allowed to."
  value = {
    for name, _ in local.roles : name => jsonencode({
      Version = "2012-10-17"
      Statement = concat(
        [for subjects in [lookup(var.subjects, name, [])] : {
          Effect    = "Allow"
          Principal = { Federated = var.provider_arn }
          Action    = "sts:AssumeRoleWithWebIdentity"
          Condition = {
            StringEquals = { "token.actions.githubusercontent.com:aud" = [var.audience] }
            StringLike   = { "token.actions.githubusercontent.com:sub" = subjects }
          }
        } if length(subjects) > 0],
        [for subjects in [lookup(var.subjects, name, [])] : {
          Effect    = "Allow"
          Principal = { AWS = "arn:${var.partition}:iam::${var.account}:root" }
          Action    = "sts:AssumeRole"
        } if length(subjects) == 0],
      )
    })
  }
}

output "buckets" {
  description = "The policy of each region's bucket, which allows nothing."
  value = {
    for region, bucket in var.buckets : region => replace(replace(replace(replace(jsonencode({
      Version   = "2012-10-17"
      Statement = local.table.denials
      }), "{bucket}", bucket), "{project}", "*"),
    "{prune_role}", "${local.role_arn}-prune"), "{repair_role}", "${local.role_arn}-repair")
  }
}
