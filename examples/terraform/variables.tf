variable "name" {
  description = "What the names of buckets, roles and parameters begin with."
  type        = string
  default     = "artifacts"
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,23}$", var.name))
    error_message = "At most 24 lower-case letters, digits and dashes."
  }
}

variable "regions" {
  description = "The AWS regions that hold artifacts, of which one or three are advised, with the name of a bucket that is there already, or null for one that is made."
  type        = map(string)
}

variable "projects" {
  description = "The projects that the roles are for, or patterns of names, such as Web-*."
  type        = list(string)
  default     = ["*"]
  validation {
    condition     = alltrue([for project in var.projects : can(regex("^[A-Za-z0-9*][A-Za-z0-9_.*-]{0,127}$", project))])
    error_message = "Letters, digits, dots, dashes and underscores, and * for any text."
  }
}

variable "channels" {
  description = "The channels that have a role each, such as prod. latest has none: stagings move it."
  type        = list(string)
  default     = ["prod"]
  validation {
    condition     = alltrue([for channel in var.channels : can(regex("^[a-z][a-z0-9-]{0,29}$", channel)) && channel != "latest"])
    error_message = "At most 30 lower-case letters, digits and dashes, and not latest."
  }
}

variable "key_prefix" {
  description = "What every key in the buckets begins with, such as team/."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^[A-Za-z0-9!_.'()/-]{0,256}$", var.key_prefix))
    error_message = "At most 256 letters, digits and !_.'()/-."
  }
}

variable "parameter_prefix" {
  description = "What the names of copies of channels in SSM begin with, such as /team."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+){0,12}$", var.parameter_prefix))
    error_message = "Empty, or a path such as /team."
  }
}

variable "configuration_parameter" {
  description = "The SSM parameter that holds the organisation configuration. Startifact reads /startifact unless it is given another name."
  type        = string
  default     = "/startifact"
}

variable "configuration" {
  description = "What else the organisation configuration says, such as mirrored_channels, storage_class or object_tags."
  type        = any
  default     = {}
}

variable "kms_keys" {
  description = "The ARN of a key in KMS for each region. Without any, objects are encrypted with a key of S3."
  type        = map(string)
  default     = {}
}

variable "object_lock" {
  description = "Whether the buckets can retain what is stored, as object_lock_mode needs. It cannot be switched off again."
  type        = bool
  default     = false
}

variable "noncurrent_days" {
  description = "For how many days S3 keeps what is under a tombstone, under a deletion, or was in a channel before it was moved."
  type        = number
  default     = 90
}

variable "upload_days" {
  description = "After how many days the parts of an upload that nobody has finished are removed."
  type        = number
  default     = 7
}

variable "provider_arn" {
  description = "The ARN of GitHub's OIDC provider, if the account has one. Without it, one is made where a role has subjects."
  type        = string
  default     = null
}

variable "audience" {
  description = "For whom tokens of GitHub are. In China it is sts.amazonaws.com.cn."
  type        = string
  default     = "sts.amazonaws.com"
}

variable "subjects" {
  description = "The subjects of the tokens of GitHub's runs that take on each role (read, stage, promote-CHANNEL, prune, repair, configure), in either of their forms. A role without any is taken on by who in this account is allowed to."
  type        = map(list(string))
  default     = {}
  validation {
    condition = alltrue([
      for subject in flatten(values(var.subjects)) : can(regex(
        "^repo:[A-Za-z0-9][A-Za-z0-9_-]{0,38}(@[0-9]{1,20})?/[A-Za-z0-9_.-]{1,100}(@[0-9]{1,20})?:(ref:refs/(heads|tags)/|environment:)[^*?\\s][^?\\s]*$",
        subject,
      ))
    ])
    error_message = "Each names a repository and a branch, a tag or an environment, such as repo:ORG/REPO:ref:refs/heads/main or repo:ORG@1/REPO@2:environment:prod."
  }
}
