output "buckets" {
  description = "The name of each region's bucket."
  value       = local.buckets
}

output "roles" {
  description = "The ARN of each role, for role-to-assume of a workflow."
  value       = { for name, role in aws_iam_role.startifact : name => role.arn }
}
