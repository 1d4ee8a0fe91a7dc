variable "partition" {
  description = "aws, aws-us-gov or aws-cn."
  type        = string
  default     = "aws"
}

variable "account" {
  description = "The number of the account."
  type        = string
}

variable "name" {
  description = "What the name of each role begins with."
  type        = string
}

variable "buckets" {
  description = "The name of each region's bucket."
  type        = map(string)
}

variable "projects" {
  description = "The projects that the roles are for, or patterns of names with *."
  type        = list(string)
}

variable "channels" {
  description = "The channels that have a role each."
  type        = list(string)
}

variable "key_prefix" {
  description = "bucket_key_prefix of the configuration."
  type        = string
}

variable "parameter_prefix" {
  description = "parameter_name_prefix of the configuration."
  type        = string
}

variable "configuration_parameter" {
  description = "The SSM parameter that holds the configuration."
  type        = string
}

variable "bucket_name_parameter" {
  description = "The SSM parameter that holds the name of a region's bucket."
  type        = string
}

variable "kms_keys" {
  description = "The ARN of each region's key in KMS, or none."
  type        = map(string)
}

variable "object_tags" {
  description = "Whether artifacts are stored with object_tags."
  type        = bool
}

variable "object_lock" {
  description = "Whether artifacts are retained with object_lock_mode."
  type        = bool
}

variable "provider_arn" {
  description = "The ARN of GitHub's OIDC provider."
  type        = string
}

variable "audience" {
  description = "For whom tokens of GitHub are."
  type        = string
}

variable "subjects" {
  description = "The subjects of the tokens that take on each role, by the role's name without its prefix."
  type        = map(list(string))
}
